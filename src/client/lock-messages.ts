// Locks between their form on the wire and the client's own. On the wire an
// owner is 8 bytes, and an end of 0 stands for none.

import { LeasefsError } from '../base/errors.js'
import { LockKind as WireKind, type Lock as WireLock, LockType as WireType } from '../wire/gen/common.js'
import type { Lock, LockKind } from './file-system.js'

export type LockRange = Omit<Lock, 'type' | 'pid'>

const kindOf: Record<LockKind, WireKind> = { posix: WireKind.POSIX, flock: WireKind.FLOCK }

const typeOf: Record<Lock['type'] | 'unlocked', WireType> = {
  shared: WireType.SHARED,
  exclusive: WireType.EXCLUSIVE,
  unlocked: WireType.UNLOCKED,
}

/** @throws LeasefsError INVALID_ARGUMENT: no range */
export function lockToWire(
  lock: LockRange & { readonly type: Lock['type'] | 'unlocked'; readonly pid: number },
): WireLock {
  const { kind, type, start, end, pid } = lock
  if (!(Number.isInteger(start) && start >= 0 && end > start)) {
    throw new LeasefsError('INVALID_ARGUMENT', `bytes ${start} to ${end} can't be locked`)
  }
  const owner = Buffer.alloc(8)
  owner.writeBigUInt64BE(BigInt.asUintN(64, lock.owner))
  return { kind: kindOf[kind], type: typeOf[type], start, end: end === Infinity ? 0 : end, owner, pid: pid >>> 0 }
}

/** @throws LeasefsError INTERNAL: the master speaks of something this client does not know */
export function lockFromWire(wire: WireLock | undefined): Lock | undefined {
  if (!wire || wire.type === WireType.UNLOCKED) return undefined
  const { kind, type, start, end, owner, pid } = wire
  const isKnown = type === WireType.SHARED || type === WireType.EXCLUSIVE
  if (!isKnown || owner.length !== 8) throw new LeasefsError('INTERNAL', 'the master sent a malformed lock')
  return {
    kind: kind === WireKind.FLOCK ? 'flock' : 'posix',
    type: type === WireType.SHARED ? 'shared' : 'exclusive',
    start,
    end: end === 0 ? Infinity : end,
    owner: owner.readBigUInt64BE(),
    pid,
  }
}
