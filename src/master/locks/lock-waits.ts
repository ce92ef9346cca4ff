// Requests for locks, and those among them that wait. A wait is in memory only:
// one whose client has lost its stream, or whose master was restarted, is asked
// for again by the client under its number.
//
// Invariants:
// - a request waits only while a lock of another is in its way: looked at in
//   the same turn of the event loop in which it begins to wait, and whenever
//   locks of the inode have changed;
// - a session in whose turn to append another waits has been told;
// - the requests of one inode are tried in the order they came;
// - a wait ends: granted, DEADLOCK, called off, or its session gone.

import { type Deferred, deferred } from '../../base/deferred.js'
import { LeasefsError } from '../../base/errors.js'
import type { SetLock } from '../../wire/gen/client.js'
import { type Lock, LockKind, LockType } from '../../wire/gen/common.js'
import type { Origin } from '../../wire/gen/state.js'
import type { Ino } from '../../wire/ids.js'
import { answersMax, type Committed, type Executor } from '../executor.js'
import { checkedLock, checkSetLock } from '../ops/set-lock.js'
import type { State } from '../state/state.js'
import { wouldDeadlock } from './deadlock.js'
import { inodeWaitsMax, lockWaitsMax } from './limits.js'
import { isOwn, lockInTheWay, locksInTheWay, withLock } from './lock-list.js'
import { WaitTable } from './wait-table.js'

/** Answers a session may have remembered while it waits. Clients that ask anew by themselves do so well before. */
export const answersWaitingMax = (answersMax / 4) * 3

/** A request that may have to wait. */
interface Waiter {
  readonly request: SetLock
  readonly origin: Origin
  readonly session: number
  readonly ino: number
  readonly lock: Lock
  /** While it waits: resolved when it is to be tried again. */
  turn: Deferred<void> | undefined
  /** Why it is not to wait any longer. */
  ended: LeasefsError | undefined
}

export class LockWaits {
  readonly #state: State
  readonly #executor: Executor
  readonly #recall: (ino: Ino) => void
  readonly #waiters = new WaitTable<Waiter>()

  /** `recall` has every session hear that someone waits for its turn to append to the inode. */
  constructor(state: State, executor: Executor, recall: (ino: Ino) => void) {
    this.#state = state
    this.#executor = executor
    this.#recall = recall
  }

  /**
   * Carries out the request, once it can be if it is to wait.
   *
   * @throws LeasefsError what checkSetLock() does; DEADLOCK, NO_LOCKS (too many wait), CANCELLED
   */
  async set(request: SetLock, origin: Origin): Promise<Committed> {
    const { ino } = request
    const lock = checkedLock(request.lock)
    const start = { turn: undefined, ended: undefined }
    const waiter: Waiter = { request, origin, session: origin.sessionId, ino, lock, ...start }
    if (!request.wait || lock.type === LockType.UNLOCKED) return await this.#try(waiter)

    const waits = this.#waiters
    if (waits.size >= lockWaitsMax || waits.countOfInode(ino) >= inodeWaitsMax) {
      throw new LeasefsError('NO_LOCKS', `${waits.size} requests wait for locks`)
    }
    waits.add(waiter)
    try {
      return await this.#wait(waiter)
    } catch (reason) {
      waits.remove(waiter)
      // It was its turn: the next one has it.
      if (!waiter.turn) this.#wake(ino)
      throw reason
    } finally {
      waits.remove(waiter)
    }
  }

  /** The request with this number need not wait any longer. It may be granted all the same. */
  cancel(session: number, number: number): void {
    const reason = new LeasefsError('CANCELLED', `request ${number} was called off`)
    for (const waiter of this.#waiters.ofSession(session)) if (waiter.origin.number === number) end(waiter, reason)
  }

  /** None of the session's requests waits any longer. */
  cancelAll(session: number, reason: LeasefsError): void {
    for (const waiter of this.#waiters.ofSession(session)) end(waiter, reason)
  }

  /** To be called as a change commits. */
  committed(committed: Committed, origin: Origin | undefined): void {
    if (this.#waiters.size === 0) return
    if (committed.kind === 'applied') {
      const { touched, unlocked = [] } = committed.outcome
      for (const ino of new Set([...touched, ...unlocked])) this.#wake(ino)
    }
    if (origin) this.#relieve(origin.sessionId)
  }

  async #wait(waiter: Waiter): Promise<Committed> {
    for (;;) {
      try {
        return await this.#try(waiter)
      } catch (reason) {
        if (LeasefsError.from(reason).code !== 'WOULD_BLOCK') throw reason
      }
      if (waiter.ended) throw waiter.ended
      const held = this.#state.locks.ofInode(waiter.ino)
      if (!lockInTheWay(held, waiter.session, waiter.lock)) continue // It went meanwhile.
      if (this.#isDeadlock(waiter)) throw new LeasefsError('DEADLOCK', `a lock of inode ${waiter.ino}`)
      waiter.turn = deferred()
      if (waiter.lock.kind === LockKind.APPEND) this.#recall(waiter.ino as Ino)
      await waiter.turn.promise
    }
  }

  /** @throws LeasefsError WOULD_BLOCK; what a flock held of the file before is then gone, as on Linux */
  async #try({ request, origin, lock, session, ino }: Waiter): Promise<Committed> {
    try {
      return await this.#executor.submit((state, context) => checkSetLock(state, request, context), origin)
    } catch (reason) {
      const isConversion = lock.kind === LockKind.FLOCK && LeasefsError.from(reason).code === 'WOULD_BLOCK'
      if (!isConversion) throw reason
      const own = this.#state.locks.ofInode(ino).some(held => isOwn(held, session, lock))
      const none = { ino, lock: { ...lock, type: LockType.UNLOCKED }, wait: false }
      if (own) await this.#executor.submit((state, context) => checkSetLock(state, none, { ...context, session }))
      throw reason
    }
  }

  /** Lets those try again that nothing is in the way of any more, were they to have it in their order. */
  #wake(ino: number): void {
    if (this.#waiters.countOfInode(ino) === 0) return
    let held = this.#state.locks.ofInode(ino)
    const isGone = !this.#state.inodes.find(ino)
    for (const waiter of this.#waiters.ofInode(ino)) {
      const { session, lock, turn } = waiter
      if (waiter.ended || (!isGone && lockInTheWay(held, session, lock))) continue
      held = withLock(held, session, lock)
      waiter.turn = undefined
      turn?.resolve()
    }
  }

  /** An unanswered request keeps the answers to all later ones remembered: before they are too many, it is asked for again. */
  #relieve(session: number): void {
    const waiters = this.#waiters.ofSession(session)
    if (waiters.length === 0 || this.#state.answers.count(session) < answersWaitingMax) return
    const reason = new LeasefsError('CANCELLED', 'the wait has been long: ask again')
    for (const waiter of waiters) end(waiter, reason)
  }

  #isDeadlock(waiter: Waiter): boolean {
    if (waiter.lock.kind !== LockKind.POSIX) return false
    return wouldDeadlock(waiter, {
      of: owner => this.#waiters.ofOwner(owner).filter(({ turn, ended }) => turn && !ended),
      blockers: ({ session, ino, lock }) => locksInTheWay(this.#state.locks.ofInode(ino), session, lock),
    })
  }
}

/** One that is being tried may still be granted. */
function end(waiter: Waiter, reason: LeasefsError): void {
  waiter.ended ??= reason
  waiter.turn?.reject(waiter.ended)
}
