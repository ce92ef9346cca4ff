// The locks of one inode, as a list, and what a lock does to it. Pure.
//
// Invariants of a list:
// - ordered by session, kind, owner and start;
// - the ranges of one owner do not overlap, and those that touch differ in type;
// - ranges of different owners overlap only where all are shared;
// - POSIX and flock locks are apart, as on Linux: neither is in the way of the other.

import { type Lock, LockType } from '../../wire/gen/common.js'

export interface HeldLock {
  readonly session: number
  /** SHARED or EXCLUSIVE, and not empty. */
  readonly lock: Lock
}

/** The lock that `wanted` would have to wait for: of those in its way, the first by start. */
export function lockInTheWay(held: readonly HeldLock[], session: number, wanted: Lock): HeldLock | undefined {
  let first: HeldLock | undefined
  for (const other of held) {
    if (!isInTheWay(other, session, wanted)) continue
    if (!first || other.lock.start < first.lock.start) first = other
  }
  return first
}

/** Every lock that `wanted` would have to wait for. */
export function locksInTheWay(held: readonly HeldLock[], session: number, wanted: Lock): HeldLock[] {
  return held.filter(other => isInTheWay(other, session, wanted))
}

/** Whether `wanted` would change nothing: its owner has all of it, or nothing of what it gives up. */
export function isSettled(held: readonly HeldLock[], session: number, wanted: Lock): boolean {
  const own = held.filter(other => isOwn(other, session, wanted))
  if (wanted.type === LockType.UNLOCKED) return !own.some(({ lock }) => overlap(lock, wanted))
  return own.some(({ lock }) => lock.type === wanted.type && lock.start <= wanted.start && endOf(lock) >= endOf(wanted))
}

/** The list once the owner has set `wanted`: its own ranges are replaced, cut and merged. Nobody's lock is in the way. */
export function withLock(held: readonly HeldLock[], session: number, wanted: Lock): HeldLock[] {
  const list: HeldLock[] = []
  let { start } = wanted
  let end = endOf(wanted)
  for (const other of held) {
    const { lock } = other
    const touches = lock.start <= endOf(wanted) && wanted.start <= endOf(lock)
    if (!touches || !isOwn(other, session, wanted)) list.push(other)
    else if (lock.type === wanted.type) {
      start = Math.min(start, lock.start)
      end = Math.max(end, endOf(lock))
    } else if (!overlap(lock, wanted)) list.push(other)
    else {
      if (lock.start < wanted.start) list.push({ session, lock: ranged(lock, lock.start, wanted.start) })
      if (endOf(lock) > endOf(wanted)) list.push({ session, lock: ranged(lock, endOf(wanted), endOf(lock)) })
    }
  }
  if (wanted.type !== LockType.UNLOCKED) list.push({ session, lock: ranged(wanted, start, end) })
  return list.sort(compare)
}

/** Whether two requests are of one owner, as far as its locks of this kind go. */
export function isOwn(held: HeldLock, session: number, { kind, owner }: Lock): boolean {
  return held.session === session && held.lock.kind === kind && held.lock.owner.equals(owner)
}

function isInTheWay(other: HeldLock, session: number, wanted: Lock): boolean {
  return (
    other.lock.kind === wanted.kind &&
    (other.lock.type === LockType.EXCLUSIVE || wanted.type === LockType.EXCLUSIVE) &&
    overlap(other.lock, wanted) &&
    !isOwn(other, session, wanted)
  )
}

function overlap(a: Lock, b: Lock): boolean {
  return a.start < endOf(b) && b.start < endOf(a)
}

/** On the wire and on the disk, 0 is no end. */
function endOf({ end }: Lock): number {
  return end === 0 ? Number.POSITIVE_INFINITY : end
}

function ranged(lock: Lock, start: number, end: number): Lock {
  return { ...lock, start, end: end === Number.POSITIVE_INFINITY ? 0 : end }
}

function compare(a: HeldLock, b: HeldLock): number {
  return (
    a.session - b.session ||
    a.lock.kind - b.lock.kind ||
    a.lock.owner.compare(b.lock.owner) ||
    a.lock.start - b.lock.start
  )
}
