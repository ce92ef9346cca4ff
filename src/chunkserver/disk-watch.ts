// How the disk is: how much room it has, measured now and then, and whether it
// takes what is written. After a write that it refused the disk counts as full
// or failing, and gets no new replicas, until something has been written to it
// with success. A disk that fails again and again is tried less and less often.

import type { Clock } from '../base/clock.js'
import { type ErrorCode, LeasefsError } from '../base/errors.js'
import type { Logger } from '../base/log.js'
import { diskProbeMs, diskProbeMsMax, diskRelapseMs, sweepMs } from './limits.js'
import type { ChunkStore, StoreSpace } from './store/chunk-store.js'

/** NO_SPACE: full; IO: failing. Undefined: well, as far as anyone knows. */
export type DiskTrouble = { readonly code: 'NO_SPACE' | 'IO'; readonly message: string } | undefined

export class DiskWatch {
  readonly #store: Pick<ChunkStore, 'space' | 'probe'>
  readonly #clock: Clock
  readonly #log: Logger
  #latest: StoreSpace = { totalBytes: 0, freeBytes: 0 }
  #trouble: DiskTrouble
  #probeAt = 0
  #probeMs = diskProbeMs
  #wellSince = Number.NEGATIVE_INFINITY
  #stopped = false
  #cancel = () => {}

  private constructor(store: Pick<ChunkStore, 'space' | 'probe'>, clock: Clock, log: Logger) {
    this.#store = store
    this.#clock = clock
    this.#log = log
  }

  /** Resolves when the first measurement is there. */
  static async start(store: Pick<ChunkStore, 'space' | 'probe'>, clock: Clock, log: Logger): Promise<DiskWatch> {
    const watch = new DiskWatch(store, clock, log)
    await watch.#measure()
    return watch
  }

  /** A disk that cannot say counts as full. */
  get latest(): StoreSpace {
    return this.#latest
  }

  get trouble(): DiskTrouble {
    return this.#trouble
  }

  stop(): void {
    this.#stopped = true
    this.#cancel()
  }

  /** Something could not be written, for this reason. */
  failed({ code, message }: { readonly code: ErrorCode; readonly message: string }): void {
    if (code !== 'NO_SPACE' && code !== 'IO') return
    const now = this.#clock.now()
    if (!this.#trouble) {
      this.#log.error({ code, message }, 'the disk refuses writes: no new replicas until it takes some')
      const isRelapse = code === 'IO' && now - this.#wellSince < diskRelapseMs
      this.#probeMs = isRelapse ? Math.min(2 * this.#probeMs, diskProbeMsMax) : diskProbeMs
    }
    this.#trouble = { code, message }
    this.#probeAt = now + this.#probeMs
  }

  async #measure(): Promise<void> {
    try {
      this.#latest = await this.#store.space()
    } catch (reason) {
      this.#log.error({ err: reason }, 'the free space is not known')
      this.#latest = { ...this.#latest, freeBytes: 0 }
    }
    if (this.#trouble && this.#clock.now() >= this.#probeAt) await this.#probe()
    if (!this.#stopped) this.#cancel = this.#clock.after(sweepMs, () => this.#measure())
  }

  async #probe(): Promise<void> {
    try {
      await this.#store.probe()
      this.#log.info('the disk takes writes again')
      this.#trouble = undefined
      this.#wellSince = this.#clock.now()
    } catch (reason) {
      this.failed(LeasefsError.from(reason, 'IO'))
    }
  }
}
