// Whether the master's own disk is well. Once a second the journal is brought
// to the disk, which bounds what a crash of the machine can take, and the free
// space is looked at: before there is none, nothing new is made any more, so
// that what was begun can still be ended and files can be deleted.

import { statfs } from 'node:fs/promises'
import { LeasefsError } from '../base/errors.js'
import type { Logger } from '../base/log.js'
import { MiB, second } from '../base/units.js'
import type { MasterDiskStatus } from '../wire/gen/admin.js'
import type { Executor } from './executor.js'
import type { Journal } from './journal/journal.js'

/** How often it is looked, and how much of what no one asked to be synced a crash of the machine may take. */
export const diskWatchMs = 1 * second

/** So much is kept free of new files, or this part of the disk if it is a small one. */
export const reservedBytes = 64 * MiB
export const reservedPart = 1 / 16

/** Twice the reserve must be free before files are made again, or they would be refused by turns. */
const enoughFactor = 2

export interface Space {
  readonly freeBytes: number
  readonly totalBytes: number
}

export interface DiskWatchOptions {
  readonly executor: Pick<Executor, 'trouble' | 'mend'>
  readonly journal: Journal
  readonly log: Logger
  /** Of the disk; undefined where it is not known. */
  readonly space: () => Promise<Space | undefined>
  /** The state may not be what was written to it, and must be made again at the next start. */
  readonly distrustState: () => void
  readonly newestSnapshot: () => number | undefined
}

export class DiskWatch {
  readonly #options: DiskWatchOptions
  #space: Space | undefined
  #low = false
  #brokenSaid = false

  constructor(options: DiskWatchOptions) {
    this.#options = options
  }

  /** Why nothing new is made, if it is not. */
  get noGrowth(): LeasefsError | undefined {
    if (!this.#low) return undefined
    return new LeasefsError(
      'NO_SPACE',
      `the disk of the master is nearly full: ${this.#space?.freeBytes} bytes are free`,
    )
  }

  /** To be called every `diskWatchMs`. */
  async step(): Promise<void> {
    this.#lookAt(await this.#options.space())
    const { executor, journal } = this.#options
    try {
      await journal.sync()
    } catch (reason) {
      this.#broken(reason)
      return
    }
    // What was refused for want of room need not be tried by a client to be known to go on.
    if (executor.trouble && !this.#low) executor.mend()
  }

  status(): MasterDiskStatus {
    const { executor, journal, newestSnapshot } = this.#options
    const why = journal.broken ?? executor.trouble ?? this.noGrowth
    return {
      code: why?.code ?? '',
      message: why?.message ?? '',
      restart: journal.broken !== undefined,
      onlyGrowth: journal.broken === undefined && executor.trouble === undefined && this.#low,
      freeBytes: this.#space?.freeBytes ?? 0,
      totalBytes: this.#space?.totalBytes ?? 0,
      journalBytes: journal.bytesAfter(0),
      lastIndex: journal.lastIndex,
      snapshotIndex: newestSnapshot() ?? 0,
    }
  }

  #lookAt(space: Space | undefined): void {
    this.#space = space
    if (!space) return
    const { freeBytes, totalBytes } = space
    const reserve = Math.min(reservedBytes, totalBytes * reservedPart)
    const low = freeBytes < (this.#low ? enoughFactor * reserve : reserve)
    const { log } = this.#options
    if (low && !this.#low) log.error(space, 'the disk is nearly full: no new files are made')
    if (!low && this.#low) log.info(space, 'there is room on the disk again')
    this.#low = low
  }

  /** The system may have dropped what it could not write, of the journal and of the state. */
  #broken(reason: unknown): void {
    if (!(reason instanceof LeasefsError)) throw reason
    if (this.#brokenSaid) return
    this.#brokenSaid = true
    const { log, distrustState } = this.#options
    log.error({ err: reason }, 'the journal could not be synced: the master takes no changes until it is restarted')
    try {
      distrustState()
    } catch (second) {
      if (!(second instanceof LeasefsError)) throw second
      log.error(
        { err: second },
        'the mark of the state cannot be written: remove the directory "state" before a restart',
      )
    }
  }
}

/** Of the disk that `path` is on. */
export async function spaceOf(path: string): Promise<Space | undefined> {
  try {
    const { bavail, blocks, bsize } = await statfs(path)
    return { freeBytes: bavail * bsize, totalBytes: blocks * bsize }
  } catch {
    return undefined
  }
}
