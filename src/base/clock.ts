// The only source of time. Decisions take `now` as a parameter; whoever acts
// takes a Clock.

import { setTimeout as delay } from 'node:timers/promises'

export interface Clock {
  /** Milliseconds since some origin of this process, monotonic. Never compared between processes. */
  now(): number

  /** Nanoseconds since the epoch, for file times and traces. May jump when the machine's clock is set. */
  wallNs(): bigint

  /** Resolves after `ms`; rejects with an AbortError as soon as `signal` aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>

  /** Calls `run` once after `ms`, unless the returned function is called first. Does not keep a process alive. */
  after(ms: number, run: () => void): () => void
}

/** The machine's clock. */
export class SystemClock implements Clock {
  readonly #wallOriginNs = BigInt(Date.now()) * 1_000_000n - process.hrtime.bigint()

  now(): number {
    return performance.now()
  }

  wallNs(): bigint {
    return this.#wallOriginNs + process.hrtime.bigint()
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    await delay(ms, undefined, signal ? { signal } : {})
  }

  after(ms: number, run: () => void): () => void {
    const timer = setTimeout(run, ms)
    timer.unref()
    return () => clearTimeout(timer)
  }
}
