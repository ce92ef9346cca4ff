// Wakes those who wait for a server to come, to go, or to finish its report.

import type { Clock } from '../../base/clock.js'
import { type Deferred, deferred } from '../../base/deferred.js'

export class Changes {
  readonly #clock: Clock
  #next: Deferred<void> = deferred()
  #count = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** How many there have been. */
  get count(): number {
    return this.#count
  }

  announce(): void {
    this.#count++
    const waiting = this.#next
    this.#next = deferred()
    waiting.resolve()
  }

  /** Resolves at the next change, after `ms` at the latest. */
  async next(ms: number): Promise<void> {
    const late = deferred<void>()
    const cancel = this.#clock.after(ms, late.resolve)
    await Promise.race([this.#next.promise, late.promise])
    cancel()
  }
}
