// What has been copied, for those who watch.

import type { Clock } from '../../../base/clock.js'
import { type Kind, rateWindowMs } from './limits.js'

interface Done {
  readonly at: number
  readonly bytes: number
}

export class Tally {
  readonly #clock: Clock
  #recent: Done[] = []
  #failed = 0
  readonly #replicas: Record<Kind, number> = { repair: 0, drain: 0, rebalance: 0 }
  readonly #bytes: Record<Kind, number> = { repair: 0, drain: 0, rebalance: 0 }

  constructor(clock: Clock) {
    this.#clock = clock
  }

  copied(kind: Kind, bytes: number): void {
    this.#replicas[kind]++
    this.#bytes[kind] += bytes
    this.#recent = [...this.#lately(), { at: this.#clock.now(), bytes }]
  }

  failed(): void {
    this.#failed++
  }

  get failures(): number {
    return this.#failed
  }

  replicas(kind: Kind): number {
    return this.#replicas[kind]
  }

  bytes(kind: Kind): number {
    return this.#bytes[kind]
  }

  get bytesPerSecond(): number {
    const bytes = this.#lately().reduce((sum, done) => sum + done.bytes, 0)
    return Math.round(bytes / (rateWindowMs / 1000))
  }

  #lately(): Done[] {
    const since = this.#clock.now() - rateWindowMs
    return this.#recent.filter(({ at }) => at > since)
  }
}
