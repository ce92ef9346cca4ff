// What this server has seen of its master, kept over restarts: how far its
// records went. A master that lacks some of them is an older copy, a backup or a
// standby started by mistake; what it does not know it would have deleted. So
// nothing is deleted at the word of such a one.
//
// Invariant: what is remembered is never less than before, unless the master
// itself knows that it has lost records (and has taken new numbers).

import type { Clock } from '../base/clock.js'
import type { Logger } from '../base/log.js'
import { knowsLess, type MasterHistory, type MasterSeen } from '../wire/history.js'
import { seenSaveMs } from './limits.js'

export interface MasterWatchOptions {
  readonly clock: Clock
  readonly log: Logger
  /** As it was last saved. */
  readonly seen: MasterSeen | undefined
  /** Durable once it resolves. */
  readonly save: (seen: MasterSeen) => Promise<void>
}

export class MasterWatch {
  readonly #options: MasterWatchOptions
  #seen: MasterSeen | undefined
  #savedAt = Number.NEGATIVE_INFINITY
  #isSaved = true
  #saving: Promise<void> = Promise.resolve()
  #isOlder = false

  constructor(options: MasterWatchOptions) {
    this.#options = options
    this.#seen = options.seen
  }

  get seen(): MasterSeen | undefined {
    return this.#seen
  }

  /** Whether the master that the server is registered with lacks records that this server has seen. */
  get isOlder(): boolean {
    return this.#isOlder
  }

  /** The server has registered; a master that says nothing of its history has none to be compared. */
  registered(history: MasterHistory | undefined): void {
    const { log } = this.#options
    const seen = this.#seen
    this.#isOlder = history !== undefined && seen !== undefined && knowsLess(history, seen)
    if (this.#isOlder) {
      log.error({ history, seen }, 'this master knows less than the one before it: nothing is deleted at its word')
    }
    const start = history?.starts.at(-1)
    if (!history || !start || this.#isOlder) return
    if (seen?.epoch !== start.epoch) {
      this.#seen = start
      void this.#save()
    }
    this.advanced(history.index)
  }

  /** The master's journal has come so far. Saved now and then. */
  advanced(index: number | undefined): void {
    const seen = this.#seen
    if (index === undefined || !seen || this.#isOlder || index <= seen.index) return
    this.#seen = { ...seen, index }
    this.#isSaved = false
    if (this.#options.clock.now() - this.#savedAt >= seenSaveMs) void this.#save()
  }

  /** The server stops: what was seen is on the disk. */
  async close(): Promise<void> {
    if (!this.#isSaved) void this.#save()
    await this.#saving
  }

  /** One at a time. What can't be saved is known as long as the process lives. */
  #save(): Promise<void> {
    const { clock, log, save } = this.#options
    const seen = this.#seen
    if (!seen) return this.#saving
    this.#savedAt = clock.now()
    this.#isSaved = true
    this.#saving = this.#saving.then(async () => {
      try {
        await save(seen)
      } catch (reason) {
        this.#isSaved = false
        log.warn({ err: reason }, 'what was seen of the master could not be saved')
      }
    })
    return this.#saving
  }
}
