// Long work in short slices: clients are served in between, and whoever asked
// for the work may end it.

import { setImmediate as breathe } from 'node:timers/promises'
import type { Clock } from '../../base/clock.js'
import { LeasefsError } from '../../base/errors.js'
import { progressMs, sliceMs, sliceRows } from './limits.js'

export class Slices {
  readonly #clock: Clock
  readonly #signal: AbortSignal
  readonly #tell: (text: string, share: number) => void
  #rows = 0
  #since: number
  #toldAt = Number.NEGATIVE_INFINITY

  /** `tell` hears now and then how far it is. */
  constructor(clock: Clock, signal: AbortSignal, tell: (text: string, share: number) => void) {
    this.#clock = clock
    this.#signal = signal
    this.#tell = tell
    this.#since = clock.now()
  }

  /** After each row. Undefined: go on at once. */
  row(): Promise<void> | undefined {
    if (++this.#rows % sliceRows !== 0) return undefined
    return this.#clock.now() - this.#since >= sliceMs ? this.rest() : undefined
  }

  /** @throws LeasefsError CANCELLED */
  async rest(): Promise<void> {
    await breathe()
    this.check()
    this.#since = this.#clock.now()
  }

  /** @throws LeasefsError CANCELLED */
  async sleep(ms: number): Promise<void> {
    await this.#clock.sleep(ms, this.#signal).catch(() => {})
    this.check()
    this.#since = this.#clock.now()
  }

  /** @throws LeasefsError CANCELLED */
  check(): void {
    if (this.#signal.aborted) throw new LeasefsError('CANCELLED', 'the check was ended')
  }

  get signal(): AbortSignal {
    return this.#signal
  }

  tell(text: string, share: number): void {
    const now = this.#clock.now()
    if (now - this.#toldAt < progressMs) return
    this.#toldAt = now
    this.#tell(text, share)
  }
}
