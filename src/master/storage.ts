// The journal and the state of a master, opened together: the state stands
// where the journal ends when this is done (docs/ARCHITECTURE.md, "The master's state").

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Clock } from '../base/clock.js'
import type { Logger } from '../base/log.js'
import type { Random } from '../base/random.js'
import type { ClusterId } from '../wire/ids.js'
import { openFileJournal } from './journal/file-journal.js'
import type { Journal } from './journal/journal.js'
import { replay } from './replay.js'
import { openLmdbStore } from './state/lmdb-store.js'
import { State } from './state/state.js'
import type { StateStore } from './state/state-store.js'

export interface Storage {
  readonly state: State
  readonly journal: Journal
  /**
   * The state had to be made again, so the machine may have crashed, and the
   * end of the journal may have been lost with it.
   */
  readonly recordsLost: boolean

  /** What was answered survives a crash of the machine afterwards. Idempotent. @throws LeasefsError IO */
  close(): Promise<void>
}

export interface StorageOptions {
  readonly directory: string
  readonly clusterId: ClusterId
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
}

const bootIdPath = '/proc/sys/kernel/random/boot_id'

/** @throws LeasefsError CORRUPT, NEWER_FORMAT, WRONG_CLUSTER, IO, NO_SPACE */
export async function openStorage({ directory, clusterId, clock, random, log }: StorageOptions): Promise<Storage> {
  const store = openLmdbStore(join(directory, 'state'), bootId(random), log)
  const journalOf = (appliedIndex: number) =>
    openFileJournal({ directory: join(directory, 'journal'), clusterId, appliedIndex, log })
  return await joinStorage(store, journalOf, clock, log)
}

/** Brings a store to the end of its journal. Closes both if that fails. */
export async function joinStorage(
  store: StateStore,
  journalOf: (appliedIndex: number) => Journal,
  clock: Clock,
  log: Logger,
): Promise<Storage> {
  let journal: Journal | undefined
  try {
    const state = new State(store)
    const opened = journalOf(state.meta.current.appliedIndex)
    journal = opened
    const recordsLost = state.meta.current.appliedIndex === 0 && opened.lastIndex > 0
    const began = clock.now()
    const records = replay(state, opened)
    log.info({ records, ms: Math.round(clock.now() - began), lastIndex: opened.lastIndex }, 'the journal is replayed')
    return { state, journal: opened, recordsLost, close: once(() => closeBoth(opened, state)) }
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

/** Where the system has no name for a boot, every start counts as one of its own. */
function bootId(random: Random): string {
  try {
    return readFileSync(bootIdPath, 'utf8').trim()
  } catch {
    return random.uuid()
  }
}
