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

/** Further apart, and the machine's clock has been set since we last looked. */
const wallDriftMsMax = 100

/** The machine's clock. */
export class SystemClock implements Clock {
  // Date.now() is cut to the millisecond, too coarse to put the events of two processes in order; this is not.
  #wallOriginNs =
    BigInt(Math.round((performance.timeOrigin + performance.now()) * 1000)) * 1000n - process.hrtime.bigint()

  now(): number {
    return performance.now()
  }

  wallNs(): bigint {
    const ns = this.#wallOriginNs + process.hrtime.bigint()
    const driftMs = Date.now() - Number(ns / 1_000_000n)
    if (Math.abs(driftMs) <= wallDriftMsMax) return ns
    this.#wallOriginNs += BigInt(driftMs) * 1_000_000n
    return ns + BigInt(driftMs) * 1_000_000n
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
