// Locks of a file system in memory, as fcntl(2) and flock(2) have them: ranges
// of one owner are merged and split, those of different owners conflict unless
// both are shared, and whoever waits is let in when the way is free.

import { type ErrorCode, LeasefsError } from '../../../src/base/errors.js'
import type { Ino, Lock, LockKind } from '../../../src/client/file-system.js'

interface Waiting {
  readonly ino: Ino
  readonly lock: Lock
  readonly settle: (failure?: LeasefsError) => void
}

type Range = Omit<Lock, 'type' | 'pid'>

export class MemoryLocks {
  readonly #held = new Map<Ino, readonly Lock[]>()
  readonly #waiting = new Set<Waiting>()

  async set(ino: Ino, lock: Lock, { wait, signal }: { wait: boolean; signal?: AbortSignal }): Promise<void> {
    if (!this.find(ino, lock)) return this.#take(ino, lock)
    if (!wait) throw failure('WOULD_BLOCK')
    if (this.#closesCircle(ino, lock)) throw failure('DEADLOCK')
    if (signal?.aborted) throw failure('CANCELLED')
    await new Promise<void>((resolve, reject) => {
      const cancel = () => waiting.settle(failure('CANCELLED'))
      const settle = (reason?: LeasefsError) => {
        this.#waiting.delete(waiting)
        signal?.removeEventListener('abort', cancel)
        if (reason) reject(reason)
        else resolve()
      }
      const waiting: Waiting = { ino, lock, settle }
      this.#waiting.add(waiting)
      signal?.addEventListener('abort', cancel)
    })
  }

  unlock(ino: Ino, range: Range): void {
    this.#held.set(ino, without(this.#of(ino), range))
    this.#letIn()
  }

  find(ino: Ino, lock: Lock): Lock | undefined {
    return this.#of(ino).find(held => conflict(held, lock))
  }

  holds(ino: Ino, kind: LockKind, owner: bigint): boolean {
    return this.#of(ino).some(held => held.kind === kind && held.owner === owner)
  }

  #of(ino: Ino): readonly Lock[] {
    return this.#held.get(ino) ?? []
  }

  #take(ino: Ino, lock: Lock): void {
    this.#held.set(ino, [...without(this.#of(ino), lock), lock])
    this.#letIn() // A lock that became weaker may be what others wait for.
  }

  #letIn(): void {
    for (const waiting of this.#waiting) {
      if (this.find(waiting.ino, waiting.lock)) continue
      waiting.settle()
      this.#take(waiting.ino, waiting.lock)
    }
  }

  /** Whether someone whom this lock would wait for waits, in the end, for its owner. */
  #closesCircle(ino: Ino, lock: Lock): boolean {
    const seen = new Set<bigint>()
    const blockers = this.#of(ino).filter(held => conflict(held, lock))
    for (let next = blockers.pop(); next; next = blockers.pop()) {
      if (next.owner === lock.owner) return true
      if (seen.has(next.owner)) continue
      seen.add(next.owner)
      for (const waiting of this.#waiting) {
        if (waiting.lock.owner !== next.owner) continue
        blockers.push(...this.#of(waiting.ino).filter(held => conflict(held, waiting.lock)))
      }
    }
    return false
  }
}

function conflict(a: Lock, b: Lock): boolean {
  if (a.kind !== b.kind || a.owner === b.owner) return false
  return a.start < b.end && b.start < a.end && (a.type === 'exclusive' || b.type === 'exclusive')
}

/** What is left of the locks when their owner gives up a range. */
function without(locks: readonly Lock[], { kind, owner, start, end }: Range): Lock[] {
  return locks.flatMap(lock => {
    if (lock.kind !== kind || lock.owner !== owner) return [lock]
    const before = { ...lock, end: Math.min(lock.end, start) }
    const after = { ...lock, start: Math.max(lock.start, end) }
    return [before, after].filter(part => part.start < part.end)
  })
}

function failure(code: ErrorCode): LeasefsError {
  return new LeasefsError(code, 'a lock is in the way')
}
