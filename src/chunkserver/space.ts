// How much room the store has, measured now and then: those who ask want an
// answer at once. A disk that cannot say counts as full.

import type { Clock } from '../base/clock.js'
import type { Logger } from '../base/log.js'
import { sweepMs } from './limits.js'
import type { ChunkStore, StoreSpace } from './store/chunk-store.js'

export interface SpaceWatch {
  readonly latest: StoreSpace
  stop(): void
}

/** Resolves when the first measurement is there. */
export async function watchSpace(store: ChunkStore, clock: Clock, log: Logger): Promise<SpaceWatch> {
  let latest: StoreSpace = { totalBytes: 0, freeBytes: 0 }
  let stopped = false
  let cancel = () => {}
  const measure = async () => {
    try {
      latest = await store.space()
    } catch (reason) {
      log.error({ err: reason }, 'the free space is not known')
      latest = { ...latest, freeBytes: 0 }
    }
    if (!stopped) cancel = clock.after(sweepMs, measure)
  }
  await measure()
  return {
    get latest() {
      return latest
    },
    stop() {
      stopped = true
      cancel()
    },
  }
}
