// What has not been done yet, and what it waits for, told to whoever looks at a
// client from outside.

import type { LeasefsError } from '../base/errors.js'
import type { Address } from '../wire/address.js'
import type { ChunkHandle, Ino } from '../wire/ids.js'

/** `room`: until other written bytes have been applied. */
export type WaitedFor = 'master' | 'primary' | 'replicas' | 'lock' | 'room'

export interface Wait {
  /** What is to be done: "read", "write", or the name of a request to the master. */
  readonly what: string
  readonly waitsFor: WaitedFor
  /** By the client's clock. */
  readonly since: number
  /** When it will be given up, by the same clock; absent: it waits for as long as it takes. */
  readonly until?: number
  readonly ino?: Ino
  /** Of the chunk in the file. */
  readonly index?: number
  readonly handle?: ChunkHandle
  /** HOST:PORT: the data addresses that are tried, or the control address of the primary. */
  readonly servers?: readonly string[]
  /** What the last attempt came to. */
  readonly reason?: string
}

/** How a client stands with its master. */
export interface Standing {
  readonly master: Address
  readonly connected: boolean
  /** When the stream was greeted, or lost. */
  readonly since: number
  /** When the master was last heard on it. */
  readonly heardAt: number
  /** Why there is no stream. */
  readonly reason?: string
}

export interface WaitSource {
  waits(): Iterable<Wait>
}

/** Work on chunks that is under way, and may take any number of attempts. */
export class Attempts implements WaitSource {
  readonly #all = new Set<Attempt>()

  /** To be ended. */
  begin(work: Wait): Attempt {
    const attempt = new Attempt(work, () => this.#all.delete(attempt))
    this.#all.add(attempt)
    return attempt
  }

  /** Before it is known whom to ask it waits for the master, and the question is listed. */
  *waits(): Generator<Wait> {
    for (const { wait } of this.#all) if (wait.handle !== undefined) yield wait
  }
}

export class Attempt {
  wait: Wait
  readonly end: () => void

  constructor(work: Wait, end: () => void) {
    this.wait = work
    this.end = end
  }

  /** Where it is tried now. */
  asks(handle: ChunkHandle, servers: readonly string[]): void {
    this.wait = { ...this.wait, handle, servers }
  }

  failed({ message }: LeasefsError): void {
    this.wait = { ...this.wait, reason: message }
  }
}

/** The oldest first, at most `max` of them, and how many there are. */
export function listWaits(sources: readonly WaitSource[], max: number): { waits: readonly Wait[]; count: number } {
  const all = sources.flatMap(source => [...source.waits()])
  return { waits: all.sort((a, b) => a.since - b.since).slice(0, max), count: all.length }
}
