// Says when nothing has happened for some time. One timer, however often
// something happens.

import type { Clock } from '../base/clock.js'

export class Watch {
  readonly #clock: Clock
  readonly #expired: () => void
  #ms = 0
  #touchedAt = 0
  #timer: { readonly at: number; readonly cancel: () => void } | undefined

  constructor(clock: Clock, expired: () => void) {
    this.#clock = clock
    this.#expired = expired
  }

  /** Calls `expired`, once, when nothing happens for `ms` from now on. */
  set(ms: number): void {
    this.#ms = ms
    this.touch()
    const at = this.#touchedAt + ms
    if (this.#timer && this.#timer.at <= at) return // It will look again.
    this.#timer?.cancel()
    this.#arm(ms)
  }

  /** Something has happened. */
  touch(): void {
    this.#touchedAt = this.#clock.now()
  }

  stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  #arm(ms: number): void {
    this.#timer = { at: this.#clock.now() + ms, cancel: this.#clock.after(ms, () => this.#look()) }
  }

  #look(): void {
    this.#timer = undefined
    const leftMs = this.#touchedAt + this.#ms - this.#clock.now()
    // A timer may be a fraction of a millisecond early.
    if (leftMs > 1) this.#arm(leftMs)
    else this.#expired()
  }
}
