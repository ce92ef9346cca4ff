// Whether a wait would be for ever: whoever is waited for waits, in the end,
// for who waits. Over all files and sessions; of POSIX locks only, as on Linux.
//
// An owner is a process. One with several threads may wait in one and go on in
// another, which cannot be seen from here: it is taken to stand still.

import type { Lock } from '../../wire/gen/common.js'
import type { HeldLock } from './lock-list.js'

export interface Wait {
  readonly session: number
  readonly ino: number
  readonly lock: Lock
}

/** Owners looked at for one wait. A circle through more is not seen: its waits end with those who wait. */
const ownersMax = 256

export interface Waits {
  /** What the owner waits for. */
  of(owner: string): Iterable<Wait>
  /** The locks in the way of a wait. */
  blockers(wait: Wait): readonly HeldLock[]
}

export function wouldDeadlock(wait: Wait, waits: Waits): boolean {
  const self = ownerOf(wait)
  const seen = new Set<string>()
  const next: Wait[] = [wait]
  for (const each of next) {
    for (const blocker of waits.blockers(each)) {
      const owner = ownerOf(blocker)
      if (owner === self) return true
      if (seen.has(owner)) continue
      if (seen.size === ownersMax) return false
      seen.add(owner)
      next.push(...waits.of(owner))
    }
  }
  return false
}

/** A name for who holds or wants a POSIX lock. */
export function ownerOf({ session, lock }: { readonly session: number; readonly lock: Lock }): string {
  return `${session} ${lock.owner.toString('hex')}`
}
