// Purging: files leave the trash for good, some at a time. Asked for by the
// master itself, when their time is up, and by operators.

import { LeasefsError } from '../../base/errors.js'
import { chunkSize } from '../../constants.js'
import type { TrashPurged } from '../../wire/gen/state.js'
import type { ChunkHandle, Ino } from '../../wire/ids.js'
import type { State } from '../state/state.js'
import { dropLink } from './inode-life.js'
import { type ApplyContext, answer, change, type Decision, doneResult, type Outcome } from './operation.js'
import { isTrashed, leaveTrash, trashName } from './trash.js'

/** Files purged by one record, and about how many chunks they may have together, unless it is one file: others wait meanwhile. */
export const purgedAtOnceMax = 256
export const purgedChunksMax = 4096

/** As many of these, from the first on, as one record is to purge. */
export function purgedAtOnce(state: State, inos: readonly Ino[]): Ino[] {
  let chunks = 0
  const beyond = inos.slice(0, purgedAtOnceMax).findIndex((ino, at) => {
    chunks += Math.ceil((state.inodes.find(ino)?.attributes.size ?? 0) / chunkSize)
    return at > 0 && chunks > purgedChunksMax
  })
  return inos.slice(0, beyond < 0 ? purgedAtOnceMax : beyond)
}

/** Those that are not in the trash (any more) are passed over. @throws LeasefsError INVALID_ARGUMENT: too many at once */
export function checkPurge(state: State, inos: readonly Ino[]): Decision {
  if (inos.length > purgedAtOnceMax) throw new LeasefsError('INVALID_ARGUMENT', `${inos.length} files purged at once`)
  const there = [...new Set(inos)].filter(ino => {
    const inode = state.inodes.find(ino)
    return inode && isTrashed(inode)
  })
  return there.length > 0 ? change({ $case: 'trashPurged', value: { inos: there } }) : answer(doneResult)
}

export function applyTrashPurged(state: State, { inos }: TrashPurged, { now }: ApplyContext): Outcome {
  const freed: ChunkHandle[] = []
  const touched = new Set<Ino>()
  for (const ino of inos) {
    const inode = state.inodes.get(ino)
    const { trash } = inode
    if (!trash || !isTrashed(inode)) continue
    leaveTrash(state, inode)
    state.dentries.remove(trash.directory, trashName(ino, trash.path))
    for (const handle of dropLink(state, ino, now).freed) freed.push(handle)
    touched.add(trash.directory as Ino).add(ino as Ino)
  }
  return { result: doneResult, touched: [...touched], freed }
}
