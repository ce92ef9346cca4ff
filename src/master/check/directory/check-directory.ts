// leasefs-master --check: a whole data directory, of a master that is not
// running. Nothing in it is changed.

import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { ClusterId } from '../../../wire/ids.js'
import type { Snapshot } from '../../snapshots/snapshot-file.js'
import { dataFile } from '../../state/lmdb-store.js'
import { type Mark, readMark } from '../../state/mark.js'
import { journalIn, snapshotsIn, stateIn } from '../../storage-paths.js'
import { checkJournal, type JournalRange } from './check-journal.js'
import { checkJoints, checkSnapshots } from './check-snapshots.js'
import type { StoreCheck } from './check-store.js'
import { type DirectoryStep, note, wrong } from './step.js'

export interface CheckDirectoryOptions {
  readonly directory: string
  readonly clusterId: ClusterId
  readonly bootId: string
  /** Runs checkStore (check-store.ts) where the end of the process is no harm. */
  readonly store: (check: StoreCheck) => AsyncIterable<DirectoryStep>
}

export interface CheckedDirectory {
  readonly journal: JournalRange
  readonly snapshots: readonly Snapshot[]
}

/** @throws LeasefsError IO */
export async function* checkDirectory(options: CheckDirectoryOptions): AsyncGenerator<DirectoryStep, CheckedDirectory> {
  const { directory, clusterId } = options
  const journal = yield* checkJournal(journalIn(directory), clusterId)
  const snapshots: Snapshot[] = []
  yield* checkSnapshots(snapshotsIn(directory), clusterId, snapshots)
  yield* checkJoints(directory, snapshots, journal)
  yield* checkTheState(options, snapshots, journal)
  return { journal, snapshots }
}

async function* checkTheState(
  { directory, clusterId, bootId, store }: CheckDirectoryOptions,
  snapshots: readonly Snapshot[],
  { firstIndex, lastIndex }: JournalRange,
): AsyncGenerator<DirectoryStep, void> {
  const path = join(stateIn(directory), dataFile)
  const mark = await markOf(stateIn(directory))
  if (!mark) yield note(path, 'there is no state that can be trusted: it is made again at the next start')
  else if (!mark.clean && mark.bootId !== bootId) {
    yield note(path, 'the machine stopped while it was in use: it is made again at the next start')
  } else {
    if (mark.recordsLost)
      yield note(path, 'it was made again; the next start takes into account that records may be lost')
    const from = snapshots.findLast(({ index }) => index + 1 >= firstIndex)
    const rebuild = { journal: journalIn(directory), clusterId, lastIndex, snapshot: from?.path }
    yield* store({ path, ...(from || firstIndex === 1 ? { rebuild } : {}) })
    return
  }
  // It will be made of this one.
  const newest = snapshots.at(-1)
  if (newest) yield* store({ path: newest.path })
}

async function markOf(directory: string): Promise<Mark | undefined> {
  const there = await stat(join(directory, dataFile)).catch(() => undefined)
  return there ? readMark(directory) : undefined
}

/** What to say of a state whose reader did not survive it. */
export function readerDied(path: string, how: string): DirectoryStep {
  return wrong(
    path,
    `cannot be read (${how}): remove the directory "state", and it is made again from snapshot and journal`,
  )
}
