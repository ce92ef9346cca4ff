// The locks of each inode, as StoredLocks, and which inodes a session has how
// many locks on.

import assert from 'node:assert/strict'
import { StoredLocks } from '../../wire/gen/state.js'
import type { Ino } from '../../wire/ids.js'
import type { HeldLock } from '../locks/lock-list.js'
import { keyNumber, numberKey, pairKey, prefixRange } from './keys.js'
import type { StateStore, StateTable } from './state-store.js'
import { decodeStored, encodeStored } from './stored.js'

export class Locks {
  readonly #byIno: StateTable
  readonly #bySession: StateTable
  /** Locks of each session in all: the sum of what the table has, so that a limit need not walk it. */
  readonly #counts = new Map<number, number>()

  constructor(store: StateStore) {
    this.#byIno = store.table('locks')
    this.#bySession = store.table('sessionLocks')
  }

  /** As lock-list.ts keeps them. */
  ofInode(ino: number): HeldLock[] {
    const value = this.#byIno.get(numberKey(ino))
    if (!value) return []
    const { locks } = decodeStored(StoredLocks, value, `locks of inode ${ino}`)
    return locks.map(({ sessionId, lock }) => {
      assert(lock)
      return { session: sessionId, lock }
    })
  }

  /** Replaces `before`, what ofInode() says, by `after`. */
  replace(ino: number, before: readonly HeldLock[], after: readonly HeldLock[]): void {
    const locks = after.map(({ session, lock }) => ({ sessionId: session, lock }))
    if (locks.length > 0) this.#byIno.put(numberKey(ino), encodeStored(StoredLocks, { locks }))
    else this.#byIno.remove(numberKey(ino))

    const [had, has] = [countBySession(before), countBySession(after)]
    for (const session of new Set([...had.keys(), ...has.keys()])) {
      const [former = 0, count = 0] = [had.get(session), has.get(session)]
      if (former === count) continue
      const total = this.count(session) + count - former
      if (count > 0) this.#bySession.put(pairKey(session, ino), numberKey(count))
      else this.#bySession.remove(pairKey(session, ino))
      if (total > 0) this.#counts.set(session, total)
      else this.#counts.delete(session)
    }
  }

  /** How many locks the session has on all inodes together. */
  count(session: number): number {
    let count = this.#counts.get(session)
    if (count === undefined) {
      count = 0
      for (const { value } of this.#bySession.range(prefixRange(session))) count += keyNumber(value, 0)
      this.#counts.set(session, count)
    }
    return count
  }

  /** Up to `countMax` inodes that the session has locks on, with numbers above `after`. */
  ofSession(session: number, after: number, countMax: number): Ino[] {
    const range = { from: pairKey(session, after + 1), to: numberKey(session + 1), limit: countMax }
    return Array.from(this.#bySession.range(range), ({ key }) => keyNumber(key, 8) as Ino)
  }

  /** After a transaction was taken back: what is in memory is counted anew when it is needed. */
  rolledBack(): void {
    this.#counts.clear()
  }
}

function countBySession(locks: readonly HeldLock[]): Map<number, number> {
  const counts = new Map<number, number>()
  for (const { session } of locks) counts.set(session, (counts.get(session) ?? 0) + 1)
  return counts
}
