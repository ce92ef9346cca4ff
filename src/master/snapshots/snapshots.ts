// Snapshots of the state, so that the journal need not be kept from the
// beginning: a copy that LMDB makes while it is in use, checked, on the disk
// before it gets its name (docs/FORMAT.md, "Snapshots").
//
// Invariants:
// - the journal on the disk goes at least as far as every snapshot;
// - what comes after the older of the two newest snapshots is in the journal.

import { mkdir, rename, rm, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../../base/clock.js'
import { syncDirectory } from '../../base/durable-file.js'
import { LeasefsError } from '../../base/errors.js'
import type { Logger } from '../../base/log.js'
import type { ClusterId } from '../../wire/ids.js'
import { diskError } from '../journal/disk.js'
import type { Journal } from '../journal/journal.js'
import { dataFile, type LmdbStateStore, readLmdbStore } from '../state/lmdb-store.js'
import { State } from '../state/state.js'
import { freeBytesMin, journalBytesMin, journalPartOfState, retryMs, snapshotsKept } from './limits.js'
import { type Snapshot, seal } from './snapshot-file.js'
import { snapshotName } from './snapshot-format.js'

export interface SnapshotsOptions {
  readonly directory: string
  readonly clusterId: ClusterId
  readonly store: LmdbStateStore
  readonly journal: Journal
  readonly clock: Clock
  readonly log: Logger
  /** Those there are, the oldest first. */
  readonly snapshots: readonly Snapshot[]
  /** Bytes that others may use on the disk of `path`. Default: what the system says. */
  readonly freeBytes?: (path: string) => Promise<number>
  /** One is due when the journal has so much that is in none. Default: as limits.ts has it. */
  readonly journalBytes?: number
}

export class Snapshots {
  readonly #options: SnapshotsOptions
  #snapshots: readonly Snapshot[]
  #taking: Promise<Snapshot> | undefined
  /** After a failure: not before. */
  #nextTryAt = 0

  constructor(options: SnapshotsOptions) {
    this.#options = options
    this.#snapshots = options.snapshots
  }

  get newest(): Snapshot | undefined {
    return this.#snapshots.at(-1)
  }

  /** Takes a snapshot if one is due. Failures are logged: without one the journal grows, and nothing else. */
  async look(): Promise<void> {
    const { clock, log } = this.#options
    if (clock.now() < this.#nextTryAt || !this.#isDue()) return
    try {
      await this.take()
    } catch (reason) {
      if (!(reason instanceof LeasefsError)) throw reason
      this.#nextTryAt = clock.now() + retryMs
      log.error({ err: reason }, 'no snapshot of the state could be taken: the journal grows until one can be')
    }
  }

  /** A snapshot of now. Who asks while one is being taken gets the next. @throws LeasefsError NO_SPACE, IO, CORRUPT */
  async take(): Promise<Snapshot> {
    while (this.#taking) await this.#taking.catch(() => {}) // Its own callers are told.
    this.#taking = this.#take()
    try {
      return await this.#taking
    } finally {
      this.#taking = undefined
    }
  }

  /** Resolves when none is being taken. */
  async idle(): Promise<void> {
    await this.#taking?.catch(() => {})
  }

  #isDue(): boolean {
    const { journal, store } = this.#options
    const grown = journal.bytesAfter(this.newest?.index ?? 0)
    return grown >= (this.#options.journalBytes ?? Math.max(journalBytesMin, store.bytes * journalPartOfState))
  }

  async #take(): Promise<Snapshot> {
    const { directory, clusterId, store, journal, clock, log } = this.#options
    const began = clock.now()
    const workshop = join(directory, 'snapshot.new')
    const copy = join(workshop, dataFile)
    await this.#checkRoom()
    try {
      await rm(workshop, { recursive: true, force: true })
      await mkdir(workshop)
      await journal.roll()
      await store.copyTo(workshop)
      const index = await appliedIndexOf(copy)
      await journal.sync()
      const takenMs = Math.floor(Number(clock.wallNs() / 1_000_000n))
      const { stateLength } = await seal(copy, { clusterId, index, takenMs })
      const snapshot = { path: join(directory, snapshotName(index)), index }
      await rename(copy, snapshot.path)
      await rm(workshop, { recursive: true, force: true })
      await syncDirectory(directory)
      this.#snapshots = [...this.#snapshots.filter(each => each.index !== index), snapshot]
      await this.#discardOld()
      const ms = Math.round(clock.now() - began)
      log.info({ index, bytes: stateLength, ms, journalFrom: journal.firstIndex }, 'a snapshot of the state is taken')
      return snapshot
    } catch (reason) {
      await rm(workshop, { recursive: true, force: true }).catch(() => {}) // The first failure is the one to tell.
      throw diskError(reason)
    }
  }

  async #checkRoom(): Promise<void> {
    const { directory, store, freeBytes = systemFreeBytes } = this.#options
    const free = await freeBytes(directory)
    const needed = store.bytes + freeBytesMin
    if (free >= needed) return
    throw new LeasefsError('NO_SPACE', `a snapshot wants ${needed} bytes free on the disk, and there are ${free}`)
  }

  /** The snapshots first: a journal that goes back further than it must is no harm. */
  async #discardOld(): Promise<void> {
    const { directory, journal } = this.#options
    const kept = this.#snapshots.slice(-snapshotsKept)
    for (const { path } of this.#snapshots.slice(0, -snapshotsKept)) await rm(path, { force: true })
    await syncDirectory(directory)
    this.#snapshots = kept
    const [oldest] = kept
    if (oldest && kept.length === snapshotsKept) journal.discardThrough(oldest.index)
  }
}

/** Where the copy of a state stands; that it can be read is seen by the way. @throws LeasefsError CORRUPT */
async function appliedIndexOf(path: string): Promise<number> {
  const copy = readLmdbStore(path)
  try {
    return new State(copy).meta.current.appliedIndex
  } finally {
    await copy.close()
  }
}

async function systemFreeBytes(path: string): Promise<number> {
  const { bavail, bsize } = await statfs(path)
  return bavail * bsize
}
