// The threads of one mount, as far as they are seen here: each asks for a
// request record once, with its first request.
//
// Records can't be given back, so their number is bounded by fixing the number
// of threads, at a moment when there are enough of them. Later requests beyond
// that wait in the kernel.

import type { Logger } from '../../../base/log.js'

/** Threads that are enough: so many requests are under way at a time, at least, before any waits. */
const threadsWanted = 24

/** Records from which on the number of threads is fixed as soon as enough of them are busy. */
const recordsWanted = 64

/** Records from which on it is fixed however few there are: never below libfuse's own ten. */
const recordsMax = 256

export class Threads {
  readonly #fix: () => boolean
  readonly #log: Logger
  #records = 0
  #busy = 0
  #isFixable = true

  /** `fix` fixes their number, and returns whether it could. */
  constructor(fix: () => boolean, log: Logger) {
    this.#fix = fix
    this.#log = log
  }

  /** A thread has its first request. If their number was fixed before, that went amiss, and is done again. */
  recordMade(): void {
    this.#records++
    if (!this.#isFixable || this.#records < recordsWanted) return
    if (this.#busy < threadsWanted && this.#records < recordsMax) return
    this.#isFixable = this.#fix()
    if (!this.#isFixable) {
      this.#log.warn('the number of threads is not bounded: after many parallel requests, this mount becomes slower')
    }
  }

  requestBegun(): void {
    this.#busy++
  }

  requestEnded(): void {
    this.#busy--
  }
}
