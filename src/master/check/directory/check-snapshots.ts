// The snapshots of a data directory, read through, and whether a state can be
// made of them and the journal.

import type { ClusterId } from '../../../wire/ids.js'
import { findSnapshots, readSnapshot, type Snapshot } from '../../snapshots/snapshot-file.js'
import { type JournalRange, ofFile } from './check-journal.js'
import { type DirectoryStep, wrong } from './step.js'

/** Those that are whole, the oldest first, are added to `good`. @throws LeasefsError IO */
export async function* checkSnapshots(
  directory: string,
  clusterId: ClusterId,
  good: Snapshot[],
): AsyncGenerator<DirectoryStep, void> {
  const snapshots = await findSnapshots(directory)
  for (const [at, snapshot] of snapshots.entries()) {
    const { path, index } = snapshot
    yield { doing: 'snapshots', share: at / snapshots.length }
    try {
      const head = await readSnapshot(path, { clusterId })
      if (head.index === index) good.push(snapshot)
      else yield wrong(path, `is a snapshot after record ${head.index}`)
    } catch (reason) {
      yield ofFile(path, reason)
    }
  }
  yield { doing: 'snapshots', share: 1 }
}

/** Whether the good snapshots and the journal go together. */
export function* checkJoints(
  directory: string,
  snapshots: readonly Snapshot[],
  { firstIndex, lastIndex }: JournalRange,
): Generator<DirectoryStep, void> {
  for (const { path, index } of snapshots) {
    if (index > lastIndex) yield wrong(path, `the journal ends with record ${lastIndex}, before this snapshot`)
    else if (index + 1 < firstIndex) yield wrong(path, `records ${index + 1} to ${firstIndex - 1} after it are missing`)
  }
  const rebuildable = firstIndex === 1 || snapshots.some(({ index }) => index + 1 >= firstIndex && index <= lastIndex)
  if (!rebuildable) yield wrong(directory, 'if the state were lost it could not be made again')
}
