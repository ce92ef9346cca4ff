// A start of the master: the epoch goes up by one, and the first makes the root and the trash.

import { rootIno, trashIno } from '../../constants.js'
import { FileType, type Time } from '../../wire/gen/common.js'
import type { MasterStarted } from '../../wire/gen/state.js'
import type { Ino } from '../../wire/ids.js'
import type { State } from '../state/state.js'
import { type ApplyContext, type CheckContext, change, type Decision, doneResult, type Outcome } from './operation.js'
import { trashRoot } from './trash.js'

export interface Owner {
  readonly uid: number
  readonly gid: number
}

/** Numbers given out after records were lost are above those that may have been lost. */
const numberStride = 2 ** 32

/** Far more inodes than can be made between two syncs; larger strides would soon pass the 32 bits that libfuse 2 shows. */
const inoStride = 2 ** 20

/** `owner` is that of the root directory, if it has to be made. */
export function checkStart(state: State, owner: Owner, recordsLost: boolean, context: CheckContext): Decision {
  const root = state.inodes.find(rootIno) ? undefined : rootAttributes(owner, context.now)
  return change({ $case: 'masterStarted', value: { root, recordsLost } })
}

export function applyMasterStarted(state: State, started: MasterStarted, { now }: ApplyContext): Outcome {
  const { root, recordsLost } = started
  const { masterEpoch, inodeCount, nextIno, nextHandle, nextSessionId } = state.meta.current
  state.meta.change({ masterEpoch: masterEpoch + 1 })
  if (recordsLost) {
    state.meta.change({
      nextIno: beyond(nextIno, inoStride),
      nextHandle: beyond(nextHandle, numberStride),
      nextSessionId: beyond(nextSessionId, numberStride),
    })
  }
  if (root) {
    const named = { symlinkTarget: Buffer.alloc(0), name: Buffer.alloc(0), trash: undefined }
    state.inodes.put({ attributes: root, parent: rootIno as Ino, ...named })
    state.meta.change({ inodeCount: inodeCount + 1, nextIno: rootIno + 1 })
  }
  if (!state.inodes.find(trashIno)) state.inodes.put(trashRoot(state.inodes.get(rootIno), now))
  return { result: doneResult, touched: [], freed: [] }
}

function beyond(number: number, stride: number): number {
  return (Math.floor(number / stride) + 1) * stride + 1
}

function rootAttributes({ uid, gid }: Owner, now: Time) {
  const times = { atime: now, mtime: now, ctime: now }
  return {
    ino: rootIno,
    type: FileType.DIRECTORY,
    mode: 0o755,
    uid,
    gid,
    nlink: 2,
    size: 0,
    ...times,
    rdev: 0,
    goal: 0,
    allocatedBytes: 0,
  }
}
