// Chunks whose copy failed, and when each may be tried again: later each time.

import { LRUCache } from 'lru-cache'
import type { ChunkHandle } from '../../../wire/ids.js'
import { retriesMax, retryMaxMs, retryMinMs } from './limits.js'

interface Retry {
  readonly failures: number
  readonly at: number
}

export class Retries {
  readonly #retries = new LRUCache<ChunkHandle, Retry>({ max: retriesMax })

  mayTry(handle: ChunkHandle, now: number): boolean {
    return now >= (this.#retries.peek(handle)?.at ?? Number.NEGATIVE_INFINITY)
  }

  failed(handle: ChunkHandle, now: number): void {
    const failures = (this.#retries.get(handle)?.failures ?? 0) + 1
    const pauseMs = Math.min(retryMaxMs, retryMinMs * 2 ** (failures - 1))
    this.#retries.set(handle, { failures, at: now + pauseMs })
  }

  succeeded(handle: ChunkHandle): void {
    this.#retries.delete(handle)
  }

  /** An operator wants all of them tried now. */
  clear(): void {
    this.#retries.clear()
  }
}
