// The state made again after a crash of the machine: from the newest snapshot
// that is whole, and the journal from there on.

import { rename } from 'node:fs/promises'
import { join } from 'node:path'
import type { LeasefsError } from '../../base/errors.js'
import type { Logger } from '../../base/log.js'
import type { ClusterId } from '../../wire/ids.js'
import { diskError } from '../journal/disk.js'
import { dataFile } from '../state/lmdb-store.js'
import { type Snapshot, unpackState } from './snapshot-file.js'

export interface Unpacked {
  /** The snapshot that the state was made from, if there was one. */
  readonly from: Snapshot | undefined
  /** Newer ones that are damaged, and how. */
  readonly damaged: readonly { readonly snapshot: Snapshot; readonly error: LeasefsError }[]
}

/**
 * Puts the state of the newest good snapshot into `stateDirectory`, which has none. Damaged ones are logged; if
 * all are, nothing is put there: the journal may still have everything.
 *
 * @throws LeasefsError NEWER_FORMAT, WRONG_CLUSTER, IO, NO_SPACE
 */
export async function unpackNewest(
  snapshots: readonly Snapshot[],
  stateDirectory: string,
  clusterId: ClusterId,
  log: Logger,
): Promise<Unpacked> {
  const damaged: { snapshot: Snapshot; error: LeasefsError }[] = []
  for (const snapshot of [...snapshots].reverse()) {
    try {
      const temporary = join(stateDirectory, `${dataFile}.new`)
      await unpackState(snapshot.path, temporary, clusterId)
      await rename(temporary, join(stateDirectory, dataFile))
      log.info({ path: snapshot.path, index: snapshot.index }, 'the state is made from a snapshot')
      return { from: snapshot, damaged }
    } catch (reason) {
      const error = diskError(reason)
      if (error.code !== 'CORRUPT') throw error
      log.error({ err: error }, 'a snapshot is damaged: the one before it is taken')
      damaged.push({ snapshot, error })
    }
  }
  return { from: undefined, damaged }
}

/** Renames them, so that they do not count any more and a person may look at them. @throws LeasefsError IO */
export async function setAside(snapshots: readonly Snapshot[]): Promise<void> {
  for (const { path } of snapshots) {
    await rename(path, `${path}.damaged`).catch(reason => {
      throw diskError(reason)
    })
  }
}
