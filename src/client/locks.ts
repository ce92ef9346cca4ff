// Locks on files. The master holds them, so that they exclude across clients;
// here it is remembered who holds any, so that a close of a file that was never
// locked asks no one.
//
// A lock is also how programs on two machines take turns: before one is given
// up, everything written to the file has been applied, so that whoever gets it
// next reads it. What others wrote before is seen because the master takes back
// what we cached of the file before it answers their writes.

import { LeasefsError } from '../base/errors.js'
import type { Logger } from '../base/log.js'
import type { Ino } from '../wire/ids.js'
import type { Lock, LockKind } from './file-system.js'
import { lockWaitsMax } from './limits.js'
import { type LockRange, lockFromWire, lockToWire } from './lock-messages.js'
import type { Answer, Operation } from './requests.js'
import type { Session } from './session.js'
import type { Survival } from './survival.js'

export interface LocksOptions {
  readonly session: Pick<Session, 'request' | 'requestPatiently'>
  readonly log: Logger
  /** Resolves when what was written to the inode has been applied, or has failed. */
  readonly settle: (ino: Ino) => Promise<void>
  /** Absent: no process comes after this one. */
  readonly survival?: Survival | undefined
}

export class Locks {
  readonly #options: LocksOptions
  /** Who holds something. */
  readonly #held = new Map<Ino, Set<string>>()
  /**
   * Who is giving something up. Their names are the kernel's, which gives them
   * to others as soon as a file is closed: what the next of the same name asks
   * for comes after.
   */
  readonly #givingUp = new Map<string, Promise<void>>()
  /** Who is asking for something, and how often. */
  readonly #asking = new Map<string, number>()
  #waits = 0

  constructor(options: LocksOptions) {
    this.#options = options
  }

  /** See FileSystem.setLock(). */
  async set(ino: Ino, lock: Lock, { wait, signal }: { wait: boolean; signal?: AbortSignal }): Promise<void> {
    const operation: Operation = { $case: 'setLock', value: { ino, lock: lockToWire(lock), wait } }
    const absorb = (answer: Answer) => this.#absorb(ino, lock, answer)
    // Before it is asked for: whoever comes next knows that it may be held.
    const holder = holderOf(lock)
    this.#options.survival?.map.put(lockKey(ino, holder), { ino, holder })
    const asking = `${ino} ${holderOf(lock)}`
    await this.#givingUp.get(asking)
    this.#asking.set(asking, (this.#asking.get(asking) ?? 0) + 1)
    try {
      if (wait) await this.#wait(operation, signal, absorb)
      else await this.#try(ino, operation, absorb)
    } finally {
      const others = (this.#asking.get(asking) ?? 1) - 1
      if (others > 0) this.#asking.set(asking, others)
      else this.#asking.delete(asking)
      if (others === 0 && !this.#held.get(ino)?.has(holder)) this.#options.survival?.map.forget(lockKey(ino, holder))
    }
  }

  /**
   * Whoever closes a file does not wait for its locks to be given up, and we may hear of it after who tries next: the
   * kernel has several requests read at once. So one more question, behind what is being given up, tells.
   */
  async #try(ino: Ino, operation: Operation, absorb: (answer: Answer) => void): Promise<void> {
    const { session } = this.#options
    try {
      await session.request(operation, absorb)
    } catch (reason) {
      const isLeaving = [...this.#givingUp.keys()].some(holder => holder.startsWith(`${ino} `))
      if (LeasefsError.from(reason).code !== 'WOULD_BLOCK' || !isLeaving) throw reason
      await session.request(operation, absorb)
    }
  }

  /** See FileSystem.unlock(). */
  async unlock(ino: Ino, range: LockRange): Promise<void> {
    if (!this.holds(ino, range.kind, range.owner)) return
    const holder = `${ino} ${holderOf(range)}`
    const before = this.#givingUp.get(holder)
    const unlocking = this.#unlock(ino, range)
    const settled = Promise.allSettled([before, unlocking]).then(() => {
      if (this.#givingUp.get(holder) === settled) this.#givingUp.delete(holder)
    })
    this.#givingUp.set(holder, settled)
    await unlocking
  }

  async #unlock(ino: Ino, range: LockRange): Promise<void> {
    const lock = lockToWire({ ...range, type: 'unlocked', pid: 0 })
    await this.#options.settle(ino)
    await this.#options.session.request({ $case: 'setLock', value: { ino, lock, wait: false } }, ({ failure }) => {
      if (!failure && range.start === 0 && lock.end === 0) this.#forget(ino, range)
    })
  }

  /** See FileSystem.findLock(). */
  async find(ino: Ino, lock: Lock): Promise<Lock | undefined> {
    const { session } = this.#options
    const result = await session.request({ $case: 'testLock', value: { ino, lock: lockToWire(lock) } })
    if (result.$case !== 'lock')
      throw new LeasefsError('INTERNAL', `testLock: the master answered with ${result.$case}`)
    return lockFromWire(result.value.lock)
  }

  holds(ino: Ino, kind: LockKind, owner: bigint): boolean {
    return this.#held.get(ino)?.has(holderOf({ kind, owner })) ?? false
  }

  /** Someone may hold something that an earlier process asked for. */
  found(ino: Ino, holder: string): void {
    this.#held.set(ino, (this.#held.get(ino) ?? new Set()).add(holder))
  }

  /** The session that held them has ended: others may have them by now. */
  lost(): void {
    if (this.#held.size === 0) return
    this.#options.log.warn({ inos: [...this.#held.keys()].slice(0, 10) }, 'locks were lost with the session')
    for (const [ino, holders] of this.#held) {
      for (const holder of holders) this.#options.survival?.map.forget(lockKey(ino, holder))
    }
    this.#held.clear()
  }

  async #wait(operation: Operation, signal: AbortSignal | undefined, absorb: (answer: Answer) => void): Promise<void> {
    if (this.#waits >= lockWaitsMax) throw new LeasefsError('NO_LOCKS', `${this.#waits} locks are waited for here`)
    this.#waits++
    try {
      await this.#options.session.requestPatiently(operation, signal ?? new AbortController().signal, absorb)
    } finally {
      this.#waits--
    }
  }

  /** Granted to someone who has stopped waiting, it is given back, unless the same holder has, or asks for, others. */
  #absorb(ino: Ino, lock: Lock, { failure, awaited }: Answer): void {
    if (failure) return
    const held = this.#held.get(ino) ?? new Set()
    const abandoned = !awaited && !held.has(holderOf(lock)) && !this.#asking.has(`${ino} ${holderOf(lock)}`)
    this.#held.set(ino, held.add(holderOf(lock)))
    if (!abandoned) return
    this.unlock(ino, { ...lock, start: 0, end: Infinity }).catch(reason =>
      this.#options.log.warn({ ino, code: LeasefsError.from(reason).code }, 'a lock that no one waited for stays'),
    )
  }

  #forget(ino: Ino, range: LockRange): void {
    const held = this.#held.get(ino)
    held?.delete(holderOf(range))
    this.#options.survival?.map.forget(lockKey(ino, holderOf(range)))
    if (held?.size === 0) this.#held.delete(ino)
  }
}

function holderOf({ kind, owner }: { readonly kind: LockKind; readonly owner: bigint }): string {
  return `${kind} ${owner}`
}

function lockKey(ino: Ino, holder: string): string {
  return `lock/${ino}/${holder}`
}
