// The requests of a session: numbered densely, many under way at once, each
// kept until it has been answered, so that it can be sent again under its
// number on the next stream. Whoever asked waits no longer than its time; the
// request itself stays, since a number without a reply would leave a gap.
//
// A patient request (a wait for a lock) has no such time: it ends with its
// answer, or a little after its signal aborts, when the master has been asked
// to end the wait. It does not count among those under way: however many wait
// for a lock, the one who holds it can give it up. And it does not keep the
// master from forgetting answers for ever: now and then it is asked for anew.

import assert from 'node:assert/strict'
import type { Clock } from '../base/clock.js'
import { deferred } from '../base/deferred.js'
import { errorCodeOf, LeasefsError } from '../base/errors.js'
import type { Reply, Request } from '../wire/gen/client.js'
import type { Attributes } from '../wire/gen/common.js'
import type { Ino } from '../wire/ids.js'
import { answersKeptMax, requestsInFlightMax, requestsWaitingMax } from './limits.js'
import type { Inherited, Survival } from './survival.js'
import type { Wait, WaitSource } from './waits.js'

export type Operation = NonNullable<Request['operation']>
export type Result = NonNullable<Reply['result']>

/** What came of a request, given to `absorb` the moment it arrives: in the order of the stream. */
export interface Answer {
  readonly result: Result | undefined
  readonly failure: LeasefsError | undefined
  /** Of other inodes that the operation changed. */
  readonly changed: readonly Attributes[]
  /** When it was asked: what the master granted for a time counts from here. */
  readonly sentAt: number
  /** False if something was invalidated since it was asked: to be used, not to be kept. */
  readonly mayKeep: boolean
  /** False if whoever asked has stopped waiting. */
  readonly awaited: boolean
}

/** Takes the answer over. What it throws (a malformed answer) becomes the outcome. */
export type Absorb = (answer: Answer) => void

interface Pending {
  readonly operation: Operation
  readonly absorb: Absorb | undefined
  readonly resolve: (result: Result) => void
  readonly reject: (reason: LeasefsError) => void
  endWait: () => void
  awaited: boolean
  readonly askedAt: number
  sentAt: number
  invalidations: number
  /** 0: not sent. */
  number: number
  readonly patient: boolean
  /** The call that it is for, if it must not be done twice for it. */
  readonly cause: number | undefined
  /** Nobody waits for it, and the master was told to end the wait. */
  cancelled: boolean
  /** The master was told to end the wait, so that it can be asked for anew. */
  renewing: boolean
}

export class Requests implements WaitSource {
  readonly #clock: Clock
  readonly #timeoutMs: number
  readonly #send: (request: Request) => boolean
  readonly #unanswered = new Map<number, Pending>()
  readonly #waiting: Pending[] = []
  /** Patient ones among the unanswered. */
  #patient = 0
  #lastNumber = 0
  #answeredThrough = 0
  #invalidations = 0
  #open = false
  readonly #survival: Survival | undefined
  /** Up to here numbers are taken from whoever comes after this process. */
  #reserved = 0
  #inheritedThrough = 0
  readonly #inheritedAnswered = deferred<void>()

  /** `send` says false when there is no stream: the request goes out with resume(). */
  constructor(clock: Clock, timeoutMs: number, send: (request: Request) => boolean, survival?: Survival) {
    this.#clock = clock
    this.#timeoutMs = timeoutMs
    this.#send = send
    this.#survival = survival
    if (survival?.inherited) this.#inherit(survival.inherited)
    this.#checkInherited()
  }

  /** What an earlier process was not answered is asked again, under its numbers; ours begin behind all of its. */
  #inherit({ asked, numbersThrough }: Inherited): void {
    this.#lastNumber = this.#reserved = this.#inheritedThrough = numbersThrough
    this.#answeredThrough = (asked[0]?.number ?? numbersThrough + 1) - 1
    for (const { number, cause, operation } of asked) {
      const start = { awaited: false, sentAt: 0, invalidations: 0, cancelled: false, renewing: false, patient: false }
      const none = { absorb: undefined, endWait: () => {}, resolve: () => {}, reject: () => {} }
      this.#unanswered.set(number, { ...start, ...none, operation, cause, number, askedAt: this.#clock.now() })
    }
  }

  /** Resolves when every request of an earlier process has been answered, or will never be. */
  get inheritedAnswered(): Promise<void> {
    return this.#inheritedAnswered.promise
  }

  #checkInherited(): void {
    const [oldest] = this.#unanswered.keys()
    if (oldest === undefined || oldest > this.#inheritedThrough) this.#inheritedAnswered.resolve()
  }

  /** @throws LeasefsError what the master says; TIMEOUT, UNAVAILABLE (too many are waiting), SESSION_LOST */
  ask(operation: Operation, absorb?: Absorb, cause?: number): Promise<Result> {
    return this.#ask(
      operation,
      absorb,
      pending => {
        pending.endWait = this.#clock.after(this.#timeoutMs, () => this.#timedOut(pending))
      },
      { cause },
    )
  }

  /**
   * As ask(), for what may take as long as it takes; until `signal` aborts.
   *
   * @throws LeasefsError CANCELLED
   */
  askPatiently(operation: Operation, signal: AbortSignal, absorb?: Absorb): Promise<Result> {
    if (signal.aborted) return Promise.reject(cancelled(operation))
    return this.#ask(
      operation,
      absorb,
      pending => {
        const cancel = () => this.#cancel(pending)
        signal.addEventListener('abort', cancel)
        pending.endWait = () => signal.removeEventListener('abort', cancel)
      },
      { patient: true },
    )
  }

  #ask(
    operation: Operation,
    absorb: Absorb | undefined,
    beginWait: (pending: Pending) => void,
    { patient = false, cause }: { readonly patient?: boolean; readonly cause?: number | undefined },
  ): Promise<Result> {
    if (this.#waiting.length >= requestsWaitingMax) {
      return Promise.reject(
        new LeasefsError('UNAVAILABLE', `${operation.$case}: too many requests wait for the master`),
      )
    }
    return new Promise((resolve, reject) => {
      const start = { awaited: true, sentAt: 0, invalidations: 0, number: 0, cancelled: false, renewing: false }
      const askedAt = this.#clock.now()
      const about = { operation, absorb, resolve, reject, endWait: () => {}, patient, cause, askedAt }
      const pending: Pending = { ...about, ...start }
      beginWait(pending)
      this.#waiting.push(pending)
      this.#sendWaiting()
    })
  }

  /** The stream may be used; what was sent on an earlier one is sent again. */
  resume(): void {
    this.#open = true
    for (const [number, pending] of this.#unanswered) this.#transmit(number, pending)
    this.#sendWaiting()
  }

  /** There is no stream: what is asked waits. */
  suspend(): void {
    this.#open = false
    for (const pending of this.#unanswered.values()) if (pending.cancelled) this.#abandon(pending)
  }

  *waits(): Generator<Wait> {
    for (const { operation, patient, awaited, askedAt } of [...this.#unanswered.values(), ...this.#waiting]) {
      if (!awaited) continue
      const ino = inoOf(operation)
      const waitsFor = patient && this.#open ? 'lock' : 'master'
      const until = patient ? {} : { until: askedAt + this.#timeoutMs }
      yield { what: operation.$case, waitsFor, since: askedAt, ...until, ...(ino && { ino }) }
    }
  }

  /** Answers that are under way may be older than what was just invalidated. */
  invalidated(): void {
    this.#invalidations++
  }

  /**
   * A new session: the numbers begin again. What may be done twice is asked
   * again; of the rest nobody knows whether it was done.
   */
  renumber(): void {
    const old = [...this.#unanswered.values()]
    this.#unanswered.clear()
    this.#patient = 0
    this.#lastNumber = 0
    this.#answeredThrough = 0
    this.#reserved = this.#inheritedThrough = 0
    this.#checkInherited()
    for (const pending of old) this.#unknown(pending)
    const again = old.filter(({ operation, cancelled }) => repeatable(operation) && !cancelled)
    for (const pending of again) pending.renewing = false
    this.#waiting.unshift(...again)
    for (const pending of old) if (!again.includes(pending)) settle(pending, sessionLost(pending.operation))
  }

  answered(reply: Reply): void {
    const pending = this.#unanswered.get(reply.number)
    if (!pending) return // Sent twice, answered twice.
    this.#unanswered.delete(reply.number)
    if (pending.patient) this.#patient--
    const [oldest] = this.#unanswered.keys()
    this.#answeredThrough = (oldest ?? this.#lastNumber + 1) - 1

    const failure = reply.failure && new LeasefsError(errorCodeOf(reply.failure.code), reply.failure.message)
    if (onlyOnce(pending.operation)) this.#survival?.answered(reply.number, pending.cause, !failure)
    if (pending.renewing && !pending.cancelled && failure?.code === 'CANCELLED') {
      pending.renewing = false
      this.#waiting.push(pending)
    } else settle(pending, this.#absorbed(pending, reply, failure))
    this.#checkInherited()
    this.#sendWaiting()
  }

  /** Nothing more will be answered. */
  close(reason: LeasefsError): void {
    this.#open = false
    for (const pending of [...this.#unanswered.values(), ...this.#waiting.splice(0)]) settle(pending, reason)
    this.#unanswered.clear()
    this.#patient = 0
  }

  #absorbed(pending: Pending, reply: Reply, failure: LeasefsError | undefined): Result | LeasefsError {
    const { operation, absorb, sentAt, awaited } = pending
    const { result, changed } = reply
    const mayKeep = pending.invalidations === this.#invalidations
    try {
      absorb?.({ result, failure, changed, sentAt, awaited, mayKeep })
    } catch (reason) {
      if (!(reason instanceof LeasefsError)) throw reason
      return reason
    }
    return failure ?? result ?? new LeasefsError('INTERNAL', `${operation.$case}: the master sent an empty reply`)
  }

  /** Not sent yet: it never will be. Sent: it keeps its number until the answer comes. */
  #timedOut(pending: Pending): void {
    pending.awaited = false
    const index = this.#waiting.indexOf(pending)
    if (index >= 0) this.#waiting.splice(index, 1)
    const code = index >= 0 ? 'UNAVAILABLE' : 'TIMEOUT'
    pending.reject(new LeasefsError(code, `${pending.operation.$case}: no answer from the master`))
  }

  /**
   * Sent already: the wait ends with the master's answer, which says whether it
   * was in vain. Without a stream there is no telling when that comes.
   */
  #cancel(pending: Pending): void {
    pending.endWait()
    const index = this.#waiting.indexOf(pending)
    if (index >= 0) {
      this.#waiting.splice(index, 1)
      pending.reject(cancelled(pending.operation))
      return
    }
    pending.cancelled = true
    pending.endWait = this.#clock.after(this.#timeoutMs, () => this.#abandon(pending))
    this.#endWait(pending)
    if (!this.#open) this.#abandon(pending)
  }

  #endWait({ number }: Pending): void {
    this.ask({ $case: 'cancelWait', value: { number } }).catch(() => {}) // Without it the wait is only longer.
  }

  #abandon(pending: Pending): void {
    pending.awaited = false
    pending.reject(cancelled(pending.operation))
  }

  #sendWaiting(): void {
    while (this.#open && this.#unanswered.size - this.#patient < requestsInFlightMax) {
      const pending = this.#waiting.shift()
      if (!pending) return
      pending.sentAt = this.#clock.now()
      pending.invalidations = this.#invalidations
      const number = ++this.#lastNumber
      pending.number = number
      if (pending.patient) this.#patient++
      this.#unanswered.set(number, pending)
      if (this.#survival) this.#survives(this.#survival, pending)
      this.#transmit(number, pending)
      this.#renewOldest()
    }
  }

  #survives(survival: Survival, { number, cause, operation }: Pending): void {
    if (number > this.#reserved) this.#reserved = survival.reserve('numbers', number)
    if (onlyOnce(operation)) survival.asked(number, cause, operation)
  }

  /** The session has ended, and with it the master's memory of what it has answered. */
  #unknown({ number, cause, operation }: Pending): void {
    if (!this.#survival || !onlyOnce(operation)) return
    this.#survival.answered(number, cause, false)
    if (cause !== undefined) this.#survival.unknown(cause)
  }

  #renewOldest(): void {
    const [oldest] = this.#unanswered.values()
    if (!oldest?.patient || oldest.cancelled || oldest.renewing) return
    if (this.#lastNumber - oldest.number < answersKeptMax) return
    oldest.renewing = true
    this.#endWait(oldest)
  }

  #transmit(number: number, { operation }: Pending): void {
    assert(number > this.#answeredThrough)
    this.#send({ number, answeredThrough: this.#answeredThrough, operation })
  }
}

function settle(pending: Pending, outcome: Result | LeasefsError): void {
  pending.endWait()
  if (outcome instanceof LeasefsError) pending.reject(outcome)
  else pending.resolve(outcome)
}

/** What it is about, or the directory it is in. */
function inoOf({ value }: Operation): Ino | undefined {
  if ('ino' in value) return value.ino as Ino
  return 'parent' in value ? (value.parent as Ino) : undefined
}

function sessionLost({ $case }: Operation): LeasefsError {
  return new LeasefsError('SESSION_LOST', `${$case}: the session ended before the answer came; it may have been done`)
}

function cancelled({ $case }: Operation): LeasefsError {
  return new LeasefsError('CANCELLED', `${$case}: no one waits for it any more`)
}

const onceOnly: ReadonlySet<Operation['$case']> = new Set([
  'link',
  'unlink',
  'removeDirectory',
  'rename',
  'setXattr',
  'removeXattr',
  'cancelWait', // Of a number that means something else in another session.
])

/** Whether the next process must know of it. */
function onlyOnce(operation: Operation): boolean {
  return !repeatable(operation) && operation.$case !== 'cancelWait'
}

/** Whether a second time changes nothing and says the same. */
export function repeatable(operation: Operation): boolean {
  if (operation.$case === 'make') return operation.value.open && !operation.value.exclusive
  return !onceOnly.has(operation.$case)
}
