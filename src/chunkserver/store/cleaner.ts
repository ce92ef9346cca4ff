// Syncs replicas that have been left alone for a while and marks them clean,
// so that after a crash few have to be taken on trust. Bounded: some at a
// time, one after the other, and none that is in use.

import type { Clock } from '../../base/clock.js'
import type { Logger } from '../../base/log.js'
import { type ChunkHandle, handleText } from '../../wire/ids.js'
import { cleanIdleMs, cleanIntervalMs, cleansAtATimeMax, cleansAtOnceMax } from './limits.js'
import type { ReplicaRecord } from './replica-record.js'

export interface CleanerOptions {
  readonly dirty: ReadonlySet<ReplicaRecord>
  readonly clean: (handle: ChunkHandle) => Promise<void>
  readonly clock: Clock
  readonly log: Logger
}

export class Cleaner {
  readonly #options: CleanerOptions
  #cancel: (() => void) | undefined
  #round: Promise<void> = Promise.resolve()
  #closed = false

  constructor(options: CleanerOptions) {
    this.#options = options
  }

  start(): void {
    this.#cancel = this.#options.clock.after(cleanIntervalMs, () => {
      this.#round = this.#cleanIdle().finally(() => {
        if (!this.#closed) this.start()
      })
    })
  }

  /** Cleans everything that this process has changed. */
  async close(): Promise<void> {
    this.#closed = true
    this.#cancel?.()
    await this.#round
    // Left dirty by an earlier process and not looked at since: nothing of ours is in there.
    const ours = [...this.#options.dirty].filter(({ changedAt, doubtful }) => changedAt !== undefined && !doubtful)
    const cleanSome = async () => {
      for (let record = ours.pop(); record; record = ours.pop()) await this.#clean(record)
    }
    await Promise.all(Array.from({ length: cleansAtOnceMax }, cleanSome))
  }

  async #cleanIdle(): Promise<void> {
    const before = this.#options.clock.now() - cleanIdleMs
    let count = 0
    for (const record of this.#options.dirty) {
      // A doubtful one stays dirty: the mark is what tells the next process, should this one die before it was levelled.
      if (record.lost || record.doubtful || (record.changedAt ?? 0) > before) continue
      if (this.#closed || count++ === cleansAtATimeMax) return
      await this.#clean(record)
    }
  }

  async #clean(record: ReplicaRecord): Promise<void> {
    try {
      await this.#options.clean(record.handle)
    } catch (reason) {
      this.#options.log.error({ err: reason, handle: handleText(record.handle) }, 'replica not synced')
    }
  }
}
