// A byte pipe within one process: what is written waits, in pieces, until the
// other end takes it and the (simulated) wire has room.

import assert from 'node:assert/strict'
import type { Clock } from '../base/clock.js'
import { LeasefsError } from '../base/errors.js'
import { second } from '../base/units.js'
import type { BytePipe } from './byte-network.js'
import { pieceSizeMax, pipeQueuedBytesMax } from './limits.js'

/** What the wire to one address is like. Read each time, so that it may change. */
export interface PipeFaults {
  silent: boolean
  bytesPerSecond: number
}

export class MemoryPipe implements BytePipe {
  readonly peer: string
  onEnd: (() => void) | undefined
  readonly #clock: Clock
  readonly #faults: PipeFaults
  #twin: MemoryPipe | undefined
  #outgoing: Buffer[] = []
  #queuedBytes = 0
  #full = false
  #receive: ((bytes: Buffer) => void) | undefined
  #paused = false
  #drained: (() => void) | undefined
  #closed: ((reason: LeasefsError) => void) | undefined
  #end: LeasefsError | undefined
  /** A delivery is due: in this turn's microtasks, or when the wire is free again. */
  #scheduled = false

  private constructor(peer: string, clock: Clock, faults: PipeFaults) {
    this.peer = peer
    this.#clock = clock
    this.#faults = faults
  }

  /** The end of who connects to `server`, and the end of the server. */
  static pair(server: string, client: string, clock: Clock, faults: PipeFaults): [MemoryPipe, MemoryPipe] {
    const ours = new MemoryPipe(server, clock, faults)
    const theirs = new MemoryPipe(client, clock, faults)
    ours.#twin = theirs
    theirs.#twin = ours
    return [ours, theirs]
  }

  get #other(): MemoryPipe {
    assert(this.#twin)
    return this.#twin
  }

  get queuedBytes(): number {
    return this.#queuedBytes
  }

  write(buffers: readonly Buffer[]): boolean {
    if (this.#end) return false
    for (const bytes of buffers) {
      for (let start = 0; start < bytes.length; start += pieceSizeMax) {
        this.#outgoing.push(Buffer.from(bytes.subarray(start, start + pieceSizeMax)))
      }
      this.#queuedBytes += bytes.length
    }
    this.#full = this.#queuedBytes >= pipeQueuedBytesMax
    this.#schedule(0)
    return !this.#full
  }

  onDrain(drained: () => void): void {
    this.#drained = drained
  }

  onData(receive: (bytes: Buffer) => void): void {
    this.#receive = receive
    this.#other.#schedule(0)
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    this.#paused = false
    this.#other.#schedule(0)
  }

  onClose(closed: (reason: LeasefsError) => void): void {
    this.#closed = closed
    if (this.#end) queueMicrotask(() => this.#tellClosed())
  }

  close(): void {
    this.#finish(new LeasefsError('CANCELLED', `connection with ${this.peer} was closed`))
    // Nobody hears of it through a silence.
    if (!this.#faults.silent) this.#other.#finish(closedByPeer(this.#other))
  }

  /** Ends both ends at once. */
  reset(): void {
    for (const end of [this, this.#other]) {
      end.#finish(new LeasefsError('UNAVAILABLE', `connection with ${end.peer} was lost: ECONNRESET`))
    }
  }

  /** A silence is over, for both ends. */
  heal(): void {
    for (const end of [this, this.#other]) {
      if (end.#end) end.#other.#finish(closedByPeer(end.#other))
      else end.#schedule(0)
    }
  }

  #schedule(ms: number): void {
    if (this.#scheduled) return
    this.#scheduled = true
    const run = () => {
      this.#scheduled = false
      this.#deliver()
    }
    if (ms > 0) this.#clock.after(ms, run)
    else queueMicrotask(run)
  }

  /** Gives the other end one piece, and comes back for the next. */
  #deliver(): void {
    const other = this.#other
    const [bytes] = this.#outgoing
    if (!bytes || this.#faults.silent || !other.#receive || other.#paused || other.#end) return
    this.#outgoing.shift()
    this.#queuedBytes -= bytes.length
    this.#schedule((bytes.length * second) / this.#faults.bytesPerSecond)
    other.#receive(bytes)
    if (this.#full && this.#queuedBytes === 0) {
      this.#full = false
      this.#drained?.()
    }
  }

  #finish(reason: LeasefsError): void {
    if (this.#end) return
    this.#end = reason
    this.#outgoing = []
    this.#queuedBytes = 0
    this.onEnd?.()
    queueMicrotask(() => this.#tellClosed())
  }

  #tellClosed(): void {
    const closed = this.#closed
    this.#closed = undefined
    if (this.#end) closed?.(this.#end)
  }
}

function closedByPeer(end: MemoryPipe): LeasefsError {
  return new LeasefsError('UNAVAILABLE', `connection with ${end.peer} was closed by the peer`)
}
