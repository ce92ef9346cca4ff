// The journal, the state and the snapshots of a master, opened together: the
// state stands where the journal ends when this is done (docs/ARCHITECTURE.md,
// "The master: check, journal, apply").

import { mkdirSync, readFileSync } from 'node:fs'
import type { Clock } from '../base/clock.js'
import { LeasefsError } from '../base/errors.js'
import type { Logger } from '../base/log.js'
import type { Random } from '../base/random.js'
import type { ClusterId } from '../wire/ids.js'
import { type Space, spaceOf } from './disk-watch.js'
import { guarded } from './journal/disk.js'
import { openFileJournal } from './journal/file-journal.js'
import type { Journal } from './journal/journal.js'
import { replay } from './replay.js'
import { setAside, type Unpacked, unpackNewest } from './snapshots/rebuild.js'
import { listSnapshots } from './snapshots/snapshot-file.js'
import { Snapshots, type SnapshotsOptions } from './snapshots/snapshots.js'
import { discardStore, discardUntrusted, type LmdbStateStore, openLmdbStore } from './state/lmdb-store.js'
import { State } from './state/state.js'
import type { StateStore } from './state/state-store.js'
import { journalIn, snapshotsIn, stateIn } from './storage-paths.js'

export interface Storage {
  readonly state: State
  readonly journal: Journal
  /** Of a master that keeps its state on a disk. */
  readonly snapshots?: Snapshots
  /**
   * The state had to be made again, so the machine may have crashed, and the
   * end of the journal may have been lost with it.
   */
  readonly recordsLost: boolean

  /** Of the disk it is on. */
  space(): Promise<Space | undefined>

  /** The state is made again at the next start. @throws LeasefsError IO, NO_SPACE */
  distrustState(): void

  /** A start that takes lost records into account is on the disk. @throws LeasefsError IO, NO_SPACE */
  settleRecords(): void

  /** What was answered survives a crash of the machine afterwards. Idempotent. @throws LeasefsError IO */
  close(): Promise<void>
}

export interface StorageOptions {
  readonly directory: string
  readonly clusterId: ClusterId
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  /** A snapshot is due when the journal has so much that is in none. */
  readonly snapshotBytes?: number | undefined
}

const bootIdPath = '/proc/sys/kernel/random/boot_id'

/** @throws LeasefsError CORRUPT, NEWER_FORMAT, WRONG_CLUSTER, IO, NO_SPACE */
export async function openStorage(options: StorageOptions): Promise<Storage> {
  const { directory, clusterId, clock, random, log, snapshotBytes } = options
  guarded(() => mkdirSync(snapshotsIn(directory), { recursive: true }))
  const boot = bootId(random)
  const all = await listSnapshots(snapshotsIn(directory))
  const rebuilt = discardUntrusted(stateIn(directory), boot, log)
  const made = rebuilt ? await unpackNewest(all, stateIn(directory), clusterId, log) : undefined
  const damaged = made?.damaged.map(({ snapshot }) => snapshot) ?? []

  const store = openLmdbStore(stateIn(directory), boot, rebuilt)
  const journalOf = (appliedIndex: number) =>
    openFileJournal({ directory: journalIn(directory), clusterId, appliedIndex, log })
  const opened = await joinStorage(store, journalOf, clock, log, store).catch(reason => {
    if (!made) throw reason
    discardStore(stateIn(directory)) // What is not whole must not be taken for the state at the next start.
    throw withDamaged(reason, made)
  })
  await setAside(damaged)
  const snapshots = all.filter(snapshot => !damaged.includes(snapshot))
  return withSnapshots(opened, store, {
    ...{ directory: snapshotsIn(directory), clusterId, clock, log, snapshots },
    ...(snapshotBytes === undefined ? {} : { journalBytes: snapshotBytes }),
  })
}

/** Why the journal alone did not do. */
function withDamaged(reason: unknown, { damaged }: Unpacked): unknown {
  const [first] = damaged
  if (!first || !(reason instanceof LeasefsError) || reason.code !== 'CORRUPT') return reason
  return new LeasefsError('CORRUPT', `${reason.message}; ${first.error.message}`, { cause: reason })
}

function withSnapshots(
  storage: Storage,
  store: LmdbStateStore,
  options: Omit<SnapshotsOptions, 'store' | 'journal'>,
): Storage {
  const snapshots = new Snapshots({ ...options, store, journal: storage.journal })
  const close = async () => {
    await snapshots.idle()
    await storage.close()
  }
  return { ...storage, snapshots, space: () => spaceOf(options.directory), close: once(close) }
}

/** A store that is gone with its process: there is nothing to be known of it afterwards. */
const inMemory = { recordsLost: false, settleRecords() {}, distrust() {} }

/** Brings a store to the end of its journal. `records` says whether it had to be made again. Closes both if that fails. */
export async function joinStorage(
  store: StateStore,
  journalOf: (appliedIndex: number) => Journal,
  clock: Clock,
  log: Logger,
  records: Pick<LmdbStateStore, 'recordsLost' | 'settleRecords' | 'distrust'> = inMemory,
): Promise<Storage> {
  let journal: Journal | undefined
  try {
    const state = new State(store)
    const opened = journalOf(state.meta.current.appliedIndex)
    journal = opened
    const recordsLost = (records.recordsLost || state.meta.current.appliedIndex === 0) && opened.lastIndex > 0
    const began = clock.now()
    const replayed = replay(state, opened)
    log.info(
      { records: replayed, ms: Math.round(clock.now() - began), lastIndex: opened.lastIndex },
      'the journal is replayed',
    )
    const settleRecords = () => records.settleRecords()
    const distrustState = () => records.distrust()
    const space = async () => undefined
    return {
      state,
      journal: opened,
      recordsLost,
      space,
      distrustState,
      settleRecords,
      close: once(() => closeBoth(opened, state)),
    }
  } catch (reason) {
    await journal?.close()
    await store.close()
    throw reason
  }
}

/** The journal first: a state that is called clean must not be ahead of it. */
async function closeBoth(journal: Journal, state: State): Promise<void> {
  await journal.close()
  await state.close()
}

function once(run: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined
  return () => {
    done ??= run()
    return done
  }
}

/** The name of the machine's present boot. Where the system has none, every start counts as one of its own. */
export function bootId(random: Random): string {
  try {
    return readFileSync(bootIdPath, 'utf8').trim()
  } catch {
    return random.uuid()
  }
}
