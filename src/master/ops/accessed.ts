// A reader's report: the access time moves forward, and nothing else does.

import type { Accessed } from '../../wire/gen/client.js'
import type { Time } from '../../wire/gen/common.js'
import type { InodeAccessed } from '../../wire/gen/state.js'
import type { Ino } from '../../wire/ids.js'
import type { State } from '../state/state.js'
import { answer, type CheckContext, change, type Decision, doneResult, type Outcome } from './operation.js'
import { checkTime } from './set-attributes.js'

/** Without a time it is the master's. @throws LeasefsError NOT_FOUND, INVALID_ARGUMENT */
export function checkAccessed(state: State, { ino, atime }: Accessed, { now }: CheckContext): Decision {
  const accessed = checkTime(atime) ?? now
  const old = state.inodes.get(ino).attributes.atime
  if (old && compare(accessed, old) <= 0) return answer(doneResult)
  return change({ $case: 'inodeAccessed', value: { ino, atime: accessed } })
}

export function applyInodeAccessed(state: State, { ino, atime }: InodeAccessed): Outcome {
  state.inodes.change(ino, { atime })
  return { result: doneResult, touched: [ino as Ino], freed: [] }
}

function compare(a: Time, b: Time): number {
  return a.seconds - b.seconds || a.nanos - b.nanos
}
