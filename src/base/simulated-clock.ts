// A clock that stands still until it is told to advance: the twin of
// SystemClock for tests and for the simulation.

import assert from 'node:assert/strict'
import type { Clock } from './clock.js'

interface Timer {
  readonly at: number
  readonly order: number
  readonly run: () => void
}

export class SimulatedClock implements Clock {
  #now = 0
  #order = 0
  readonly #timers = new Set<Timer>()

  now(): number {
    return this.#now
  }

  wallNs(): bigint {
    return 1_700_000_000_000_000_000n + BigInt(Math.round(this.#now * 1e6))
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      const abort = () => {
        cancel()
        reject(signal?.reason)
      }
      const cancel = this.after(ms, () => {
        signal?.removeEventListener('abort', abort)
        resolve()
      })
      signal?.addEventListener('abort', abort, { once: true })
    })
  }

  after(ms: number, run: () => void): () => void {
    const timer = { at: this.#now + Math.max(0, ms), order: this.#order++, run }
    this.#timers.add(timer)
    return () => this.#timers.delete(timer)
  }

  /**
   * Moves time on by `ms`. Timers run in the order they are due, and what they
   * resolve runs before the next one.
   */
  async advance(ms: number): Promise<void> {
    assert(ms >= 0)
    const end = this.#now + ms
    await settle()
    for (let next = this.#next(end); next; next = this.#next(end)) {
      this.#timers.delete(next)
      this.#now = next.at
      next.run()
      await settle()
    }
    this.#now = end
  }

  #next(end: number): Timer | undefined {
    let first: Timer | undefined
    for (const timer of this.#timers) {
      if (timer.at > end) continue
      if (!first || timer.at < first.at || (timer.at === first.at && timer.order < first.order)) first = timer
    }
    return first
  }
}

/** Lets promises and immediates that are ready run, several rounds deep. */
async function settle(): Promise<void> {
  for (let round = 0; round < 4; round++) await new Promise(resolve => setImmediate(resolve))
}
