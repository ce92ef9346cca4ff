// A data directory made of a backup. It is that of a master that lacks what was
// done since: whoever starts it says so, or chunkservers that have seen more do
// not trust it (docs/PROTOCOL.md, "An older copy").

import { closeSync } from 'node:fs'
import { copyFile, mkdir, open, readdir, rename } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { DataDirectory } from '../../base/data-directory.js'
import { syncDirectory } from '../../base/durable-file.js'
import { LeasefsError } from '../../base/errors.js'
import { diskError, guarded } from '../journal/disk.js'
import { createSegment } from '../journal/segment.js'
import { dataFile } from '../state/lmdb-store.js'
import { writeMark } from '../state/mark.js'
import { journalIn, snapshotsIn, stateIn } from '../storage-paths.js'
import { readSnapshot, unpackState } from './snapshot-file.js'
import { type SnapshotHead, snapshotName } from './snapshot-format.js'

/**
 * Fills an empty data directory from a backup. The directory belongs to no cluster until that is done.
 *
 * @throws LeasefsError CORRUPT, NEWER_FORMAT (the backup), ALREADY_EXISTS (the directory is not empty), NO_SPACE, IO
 */
export async function restoreBackup(backup: string, dataDirectory: DataDirectory): Promise<SnapshotHead> {
  const head = await readSnapshot(backup)
  const { path } = dataDirectory
  try {
    await checkEmpty(dataDirectory)
    for (const directory of [journalIn(path), snapshotsIn(path), stateIn(path)]) await mkdir(directory)
    const snapshot = join(snapshotsIn(path), snapshotName(head.index))
    await copyFile(backup, `${snapshot}.new`)
    await syncFile(`${snapshot}.new`)
    await rename(`${snapshot}.new`, snapshot)
    await syncDirectory(dirname(snapshot))

    const data = join(stateIn(path), dataFile)
    await unpackState(snapshot, data, head.clusterId)
    await syncFile(data)
    guarded(() => {
      const { tail } = createSegment(journalIn(path), head.clusterId, head.index + 1)
      closeSync(tail.file)
      writeMark(stateIn(path), { bootId: '', clean: true, recordsLost: false })
    })
    await dataDirectory.update({ clusterId: head.clusterId })
    return head
  } catch (reason) {
    throw diskError(reason)
  }
}

async function checkEmpty({ path, identity }: DataDirectory): Promise<void> {
  const ours = new Set(['identity.json', 'lock', 'lost+found'])
  const others = (await readdir(path)).filter(name => !ours.has(name))
  if (identity.clusterId === undefined && others.length === 0) return
  throw new LeasefsError('ALREADY_EXISTS', `${path} is not empty: a backup is restored into a directory of its own`)
}

async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r+')
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}
