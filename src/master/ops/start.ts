// A start of the master: the epoch goes up by one, and the first makes the root and the trash.

import { rootIno, trashIno } from '../../constants.js'
import { FileType, type Time } from '../../wire/gen/common.js'
import type { HandleRange, MasterStarted } from '../../wire/gen/state.js'
import type { Ino } from '../../wire/ids.js'
import type { State } from '../state/state.js'
import {
  type ApplyContext,
  answer,
  type CheckContext,
  change,
  type Decision,
  doneResult,
  type Outcome,
} from './operation.js'
import { trashRoot } from './trash.js'

export interface Owner {
  readonly uid: number
  readonly gid: number
}

/** Numbers given out after records were lost are above those that may have been lost. */
const numberStride = 2 ** 32

/** Far more starts than there may have been since a copy was made; epochs have 21 bits (lease ids). */
const epochStride = 2 ** 10

/** Starts that are remembered, to be compared with what others remember. */
const startsKept = 16

/** Ranges of lost handles: beyond, the two oldest are taken together, with what is between them. */
const lostRangesMax = 64

/** Far more inodes than can be made between two syncs; larger strides would soon pass the 32 bits that libfuse 2 shows. */
const inoStride = 2 ** 20

/** `owner` is that of the root directory, if it has to be made. */
export function checkStart(
  state: State,
  owner: Owner,
  recordsLost: boolean,
  context: CheckContext,
  startId = '',
): Decision {
  const root = state.inodes.find(rootIno) ? undefined : rootAttributes(owner, context.now)
  return change({ $case: 'masterStarted', value: { root, recordsLost, startId } })
}

export function applyMasterStarted(state: State, started: MasterStarted, { now }: ApplyContext): Outcome {
  const { root, recordsLost, startId } = started
  const { masterEpoch, inodeCount, nextIno, nextHandle, nextSessionId } = state.meta.current
  const { appliedIndex, starts, lostHandles } = state.meta.current
  const epoch = recordsLost ? (Math.floor(masterEpoch / epochStride) + 1) * epochStride : masterEpoch + 1
  const start = { epoch, id: startId, index: appliedIndex + 1 }
  state.meta.change({ masterEpoch: epoch, starts: [...starts, start].slice(-startsKept) })
  if (recordsLost) {
    const next = beyond(nextHandle, numberStride)
    state.meta.change({
      lostEpoch: epoch,
      nextIno: beyond(nextIno, inoStride),
      nextHandle: next,
      lostHandles: withRange(lostHandles, { from: nextHandle, to: next }),
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

/** Replicas of chunks with these handles are wanted no more than others that no file has. Nothing if there are none. */
export function checkForgetLost({ meta }: State): Decision {
  if (meta.current.lostHandles.length === 0) return answer(doneResult)
  return change({ $case: 'lostHandlesForgotten', value: {} })
}

export function applyLostHandlesForgotten({ meta }: State): Outcome {
  meta.change({ lostHandles: [] })
  return { result: doneResult, touched: [], freed: [] }
}

function withRange(ranges: readonly HandleRange[], range: HandleRange): HandleRange[] {
  const [first, second, ...rest] = [...ranges, range]
  if (!first || !second || rest.length + 2 <= lostRangesMax) return [...ranges, range]
  return [{ from: first.from, to: second.to }, ...rest]
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
