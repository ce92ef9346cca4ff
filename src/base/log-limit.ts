// Warnings that others can cause as often as they like: so many of each message
// are logged, the rest is counted, and the count is logged.

import type { Clock } from './clock.js'
import type { Logger } from './log.js'
import { second } from './units.js'

/** Of one message in this time. */
export const warningsMax = 20
export const warningsMs = 10 * second

/** What one needs of a Logger to warn. */
export interface Warner {
  warn(fields: object, message: string): void
}

export class LogLimit implements Warner {
  readonly #log: Logger
  readonly #clock: Clock
  /** Of the messages in whose time we are: how many have come. Messages are constants, so there are few. */
  readonly #counts = new Map<string, number>()

  constructor(log: Logger, clock: Clock) {
    this.#log = log
    this.#clock = clock
  }

  warn(fields: object, message: string): void {
    const count = (this.#counts.get(message) ?? 0) + 1
    this.#counts.set(message, count)
    if (count === 1) this.#clock.after(warningsMs, () => this.#over(message))
    if (count <= warningsMax) this.#log.warn(fields, message)
  }

  #over(message: string): void {
    const left = (this.#counts.get(message) ?? 0) - warningsMax
    this.#counts.delete(message)
    if (left > 0) this.#log.warn({ notLogged: left, seconds: warningsMs / second }, message)
  }
}
