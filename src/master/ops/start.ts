// A start of the master: the epoch goes up by one, and the first makes the root.

import { rootIno } from '../../constants.js'
import { FileType, type Time } from '../../wire/gen/common.js'
import type { MasterStarted } from '../../wire/gen/state.js'
import type { Ino } from '../../wire/ids.js'
import type { State } from '../state/state.js'
import { type CheckContext, change, type Decision, doneResult, type Outcome } from './operation.js'

export interface Owner {
  readonly uid: number
  readonly gid: number
}

/** `owner` is that of the root directory, if it has to be made. */
export function checkStart(state: State, owner: Owner, { now, goal }: CheckContext): Decision {
  const root = state.inodes.find(rootIno) ? undefined : rootAttributes(owner, now, goal)
  return change({ $case: 'masterStarted', value: { root } })
}

export function applyMasterStarted(state: State, { root }: MasterStarted): Outcome {
  const { masterEpoch, inodeCount } = state.meta.current
  state.meta.change({ masterEpoch: masterEpoch + 1 })
  if (root) {
    state.inodes.put({ attributes: root, parent: rootIno as Ino, symlinkTarget: Buffer.alloc(0) })
    state.meta.change({ inodeCount: inodeCount + 1, nextIno: rootIno + 1 })
  }
  return { result: doneResult, touched: [], freed: [] }
}

function rootAttributes({ uid, gid }: Owner, now: Time, goal: number) {
  const times = { atime: now, mtime: now, ctime: now }
  return { ino: rootIno, type: FileType.DIRECTORY, mode: 0o755, uid, gid, nlink: 2, size: 0, ...times, rdev: 0, goal }
}
