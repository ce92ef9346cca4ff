// Requests whose calls have not ended, and what becomes of them when their
// callers are interrupted.
//
// A caller who gets a signal is answered EINTR by an operation that waits for
// it (a lock), and by any other that has not ended a while later: so nobody
// hangs because a server is away. Not at once, since an interrupted system call
// that has done its work all the same is a nasty surprise, and most end soon.

import type { Clock } from '../../../base/clock.js'
import type { Ino } from '../../../client/file-system.js'
import type { Underway } from '../../underway.js'
import { interruptGraceMs } from './limits.js'

export interface Flight {
  readonly unique: number
  /** What the request is about: its header names one, a rename a second directory. */
  readonly inos: readonly Ino[]
  /** An answer has been given; what the call comes to is not told to anyone. */
  answered: boolean
  readonly signal: AbortSignal
}

/** Who asks, and for what. */
export interface Asked {
  readonly operation: string
  /** 0: the kernel itself. */
  readonly pid: number
}

class Pending implements Flight {
  readonly unique: number
  readonly asked: Asked
  readonly since: number
  readonly inos: Ino[]
  answered = false
  cancelTimer: (() => void) | undefined
  #interrupted = false
  #abort: AbortController | undefined

  constructor(unique: number, ino: Ino, asked: Asked, since: number) {
    this.unique = unique
    this.inos = [ino]
    this.asked = asked
    this.since = since
  }

  /** Made when someone asks: few calls do. */
  get signal(): AbortSignal {
    this.#abort ??= new AbortController()
    if (this.#interrupted) this.#abort.abort()
    return this.#abort.signal
  }

  abort(): void {
    this.#interrupted = true
    this.#abort?.abort()
  }
}

export class InFlight {
  readonly #clock: Clock
  readonly #flights = new Map<number, Pending>()
  /** How many there are for each inode. */
  readonly #counts = new Map<Ino, number>()
  readonly #onBusy = new Map<Ino, Set<() => void>>()
  /** What to do when there are none any more: once for each inode, so there are no more than inodes in the counts. */
  readonly #onIdle = new Map<Ino, () => void>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get count(): number {
    return this.#flights.size
  }

  /** Whether a request about the inode, or in the directory, has not ended. */
  isBusy(ino: Ino): boolean {
    return this.#counts.has(ino)
  }

  /** Calls `run` with the next request about the inode. Returns how to call it off. */
  onBusy(ino: Ino, run: () => void): () => void {
    const waiting = this.#onBusy.get(ino) ?? new Set()
    this.#onBusy.set(ino, waiting.add(run))
    return () => {
      waiting.delete(run)
      if (waiting.size === 0 && this.#onBusy.get(ino) === waiting) this.#onBusy.delete(ino)
    }
  }

  /** Calls `run` when no request about the inode is under way: now, or when the last has ended. The first to ask is called, and nobody else. */
  whenIdle(ino: Ino, run: () => void): void {
    if (!this.isBusy(ino)) run()
    else if (!this.#onIdle.has(ino)) this.#onIdle.set(ino, run)
  }

  begin(unique: number, ino: Ino, asked: Asked): Flight {
    const flight = new Pending(unique, ino, asked, this.#clock.now())
    this.#flights.set(unique, flight)
    this.#count(ino)
    return flight
  }

  /** Those of whom nobody has been answered yet. */
  *underway(): Generator<Underway> {
    for (const { answered, asked, inos, since } of this.#flights.values()) {
      const [ino] = inos
      const { operation, pid } = asked
      if (!answered) yield { operation, since, ...(ino && { ino }), ...(pid > 0 && { pid }) }
    }
  }

  /** The request is about this inode, too: the kernel holds its lock until we answer. */
  addTo({ unique }: Flight, ino: Ino): void {
    this.#flights.get(unique)?.inos.push(ino)
    this.#count(ino)
  }

  get(unique: number): Flight | undefined {
    return this.#flights.get(unique)
  }

  end(flight: Flight): void {
    this.#flights.get(flight.unique)?.cancelTimer?.()
    this.#flights.delete(flight.unique)
    for (const ino of flight.inos) {
      const count = (this.#counts.get(ino) ?? 0) - 1
      if (count > 0) this.#counts.set(ino, count)
      else this.#idle(ino)
    }
  }

  /** Aborts what can be aborted; calls `giveUp` if it has not ended a while later, and takes it as answered. */
  interrupt({ unique }: Flight, giveUp: () => void): void {
    const flight = this.#flights.get(unique)
    if (!flight || flight.cancelTimer) return
    flight.abort()
    flight.cancelTimer = this.#clock.after(interruptGraceMs, () => {
      if (flight.answered) return
      flight.answered = true
      giveUp()
    })
  }

  #idle(ino: Ino): void {
    this.#counts.delete(ino)
    const run = this.#onIdle.get(ino)
    this.#onIdle.delete(ino)
    run?.()
  }

  #count(ino: Ino): void {
    this.#counts.set(ino, (this.#counts.get(ino) ?? 0) + 1)
    const waiting = this.#onBusy.get(ino)
    if (!waiting) return
    this.#onBusy.delete(ino)
    for (const run of waiting) run()
  }
}
