// Taking, changing and giving up a lock of a file, and asking who has one. A
// request that is to wait is refused here like one that is not: waiting is no
// state (locks/lock-waits.ts).

import { LeasefsError } from '../../base/errors.js'
import type { SetLock, TestLock } from '../../wire/gen/client.js'
import { type Lock, LockKind, LockType } from '../../wire/gen/common.js'
import type { LockChanged } from '../../wire/gen/state.js'
import type { Ino } from '../../wire/ids.js'
import { inodeLocksMax, sessionLocksMax } from '../locks/limits.js'
import { isSettled, lockInTheWay, withLock } from '../locks/lock-list.js'
import type { State } from '../state/state.js'
import { answer, type CheckContext, change, type Decision, doneResult, type Outcome } from './operation.js'
import type { ReadAnswer } from './read.js'

/** The kernel's names of owners are 8 bytes. */
const ownerLengthMax = 16

/** @throws LeasefsError NOT_FOUND, INVALID_ARGUMENT, WOULD_BLOCK (another's lock is in the way), NO_LOCKS */
export function checkSetLock(state: State, { ino, lock }: SetLock, { session }: CheckContext): Decision {
  const wanted = checkedLock(lock)
  state.inodes.get(ino)
  const held = state.locks.ofInode(ino)
  if (isSettled(held, session, wanted)) return answer(doneResult)
  if (wanted.type !== LockType.UNLOCKED && lockInTheWay(held, session, wanted)) {
    throw new LeasefsError('WOULD_BLOCK', `another has a lock of inode ${ino}`)
  }
  const count = withLock(held, session, wanted).length
  const added = count - held.length
  if (added > 0 && (count > inodeLocksMax || state.locks.count(session) + added > sessionLocksMax)) {
    throw new LeasefsError(
      'NO_LOCKS',
      `${held.length} locks of inode ${ino}, ${state.locks.count(session)} of session ${session}`,
    )
  }
  return change({ $case: 'lockChanged', value: { ino, lock: wanted, sessionId: session } })
}

export function applyLockChanged(state: State, { ino, lock, sessionId }: LockChanged): Outcome {
  const held = state.locks.ofInode(ino)
  state.locks.replace(ino, held, withLock(held, sessionId, lock as Lock))
  return { result: doneResult, touched: [], freed: [], unlocked: [ino as Ino] }
}

/** Nothing of it may be cached. @throws LeasefsError NOT_FOUND, INVALID_ARGUMENT */
export function testLock(state: State, { ino, lock }: TestLock, session: number): ReadAnswer {
  const wanted = checkedLock(lock)
  if (wanted.type === LockType.UNLOCKED) throw new LeasefsError('INVALID_ARGUMENT', 'nothing is in the way of no lock')
  state.inodes.get(ino)
  const other = lockInTheWay(state.locks.ofInode(ino), session, wanted)
  return { result: { $case: 'lock', value: { lock: other?.lock } }, cached: [] }
}

/** All but a range of fcntl(2) is of the whole file. @throws LeasefsError INVALID_ARGUMENT */
export function checkedLock(lock: Lock | undefined): Lock {
  if (!lock) throw new LeasefsError('INVALID_ARGUMENT', 'no lock')
  const { kind, type, start, end, owner } = lock
  const kinds: readonly number[] = [LockKind.POSIX, LockKind.FLOCK, LockKind.APPEND]
  const types: readonly number[] = [LockType.UNLOCKED, LockType.SHARED, LockType.EXCLUSIVE]
  if (!kinds.includes(kind)) throw new LeasefsError('INVALID_ARGUMENT', `no kind of lock ${kind}`)
  if (!types.includes(type)) throw new LeasefsError('INVALID_ARGUMENT', `no type of lock ${type}`)
  if (owner.length > ownerLengthMax) throw new LeasefsError('INVALID_ARGUMENT', `an owner of ${owner.length} bytes`)
  if (kind !== LockKind.POSIX) return { ...lock, start: 0, end: 0 }
  const isRange = Number.isInteger(start) && start >= 0 && (end === 0 || (Number.isInteger(end) && end > start))
  if (!isRange) throw new LeasefsError('INVALID_ARGUMENT', `a lock of bytes ${start} to ${end}`)
  return lock
}
