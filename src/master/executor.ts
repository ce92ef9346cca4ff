// Check → journal → apply → answer. Everything that is queued is one batch: one
// transaction of the state, one write to the journal.
//
// Invariants:
// - the state never has what the journal has not: a batch is appended before
//   its transaction commits, and taken back if the append fails;
// - nothing is answered before it is committed, and others have been told;
// - a request that has an answer in the state is not carried out again.

import assert from 'node:assert/strict'
import type { Clock } from '../base/clock.js'
import { type Deferred, deferred } from '../base/deferred.js'
import { LeasefsError } from '../base/errors.js'
import type { Logger } from '../base/log.js'
import { MiB } from '../base/units.js'
import type { Reply } from '../wire/gen/client.js'
import type { Time } from '../wire/gen/common.js'
import { JournalRecord, type Origin } from '../wire/gen/state.js'
import type { Journal } from './journal/journal.js'
import { applyRecord, decodeRecord } from './ops/apply.js'
import type { Check } from './ops/check.js'
import { attributesResult, type Decision, type Effect, type Outcome } from './ops/operation.js'
import type { State } from './state/state.js'
import { encodeStored } from './state/stored.js'
import { timeOf } from './time.js'

/** Changes waiting: beyond, they are refused. */
export const queuedMax = 65_536
/** Changes of one transaction, so that reads are never held up for long. */
const batchLengthMax = 1024
const batchBytesMax = 4 * MiB
/** Opens answered before they are journaled: beyond, they are refused. */
export const owedMax = 65_536
/** Answers one session may leave unacknowledged. */
export const answersMax = 16_384

/** How long an answer must be safe from: the end of the process, or a crash of the machine. */
export type Durability = 'process' | 'disk'

/** What became of a change, before it is answered. */
export type Committed =
  | { readonly kind: 'applied'; readonly outcome: Outcome }
  /** It was so already. */
  | { readonly kind: 'unchanged'; readonly result: Outcome['result'] }
  /** It had been carried out before: the answer of then. */
  | { readonly kind: 'repeated'; readonly reply: Reply }

export interface ExecutorOptions {
  readonly state: State
  readonly journal: Journal
  readonly clock: Clock
  readonly log: Logger
  /** Replicas wanted of new files' chunks. */
  readonly goal: number
  /** Whether deleted files go to the trash. Default: they don't. */
  readonly trash?: boolean
  readonly durability: Durability
  /** Why nothing that takes lasting room on the master's disk is done now, if it is not. */
  readonly noGrowth?: () => LeasefsError | undefined
  /** Called when a change has been committed, before anything else happens: its answer waits for the promise. */
  readonly committed: (committed: Committed, origin: Origin | undefined) => Promise<void> | undefined
}

interface Queued {
  readonly check: Check
  readonly origin: Origin | undefined
  readonly answer: Deferred<Committed>
  /** It may be answered before it is journaled. */
  readonly ahead: boolean
}

/** What one change of a batch came to; the batch may still be taken back. */
type Step = { readonly kind: 'failed'; readonly reason: unknown } | Committed

export class Executor {
  readonly #options: ExecutorOptions
  #queue: Queued[] = []
  /** Answered while the disk took no records. Journaled before anything else, so that nothing removes what is open. */
  #owed: Queued[] = []
  #scheduled = false
  #closed = false
  #idle: Deferred<void> | undefined
  /** The journal has records that the state could not commit. */
  #behind = false
  /** Why the last records were not taken. */
  #trouble: LeasefsError | undefined

  constructor(options: ExecutorOptions) {
    this.#options = options
  }

  /** Why changes fail, if the last that was tried has failed for want of the disk. */
  get trouble(): LeasefsError | undefined {
    return this.#trouble
  }

  /** The disk may be well again: the state is brought up to the journal if it lacks something. What fails is tried again with the next change. */
  mend(): void {
    try {
      if (this.#behind) this.#catchUp()
      else if (this.#trouble?.code !== 'NO_SPACE') return
      this.#well()
      if (this.#owed.length > 0) this.#schedule()
    } catch (reason) {
      this.#unwell(reason)
    }
  }

  /**
   * Carries out the change that `check` decides on, and resolves when it is
   * committed, as durable as was asked for, and seen by every other session.
   * `ahead`: an open, which is answered while the disk takes no records, too,
   * and journaled when it does; a master that is restarted meanwhile does not know of it.
   *
   * @throws LeasefsError what the check threw; NO_SPACE, IO: nothing was done; UNAVAILABLE
   */
  submit(check: Check, origin?: Origin, ahead = false): Promise<Committed> {
    if (this.#closed) return Promise.reject(new LeasefsError('UNAVAILABLE', 'the master is stopping'))
    if (this.#queue.length >= queuedMax) return Promise.reject(new LeasefsError('UNAVAILABLE', 'the master is busy'))
    const answer = deferred<Committed>()
    this.#queue.push({ check, origin, answer, ahead })
    this.#schedule()
    return answer.promise
  }

  /** Refuses new changes, and resolves when those queued have been carried out. */
  async close(): Promise<void> {
    this.#closed = true
    if (!this.#scheduled) return
    this.#idle ??= deferred()
    await this.#idle.promise
  }

  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    // After what the present turn of the event loop still brings: it becomes one batch.
    setImmediate(() => {
      this.#scheduled = false
      this.#drain()
      if (this.#queue.length > 0) this.#schedule()
      else this.#idle?.resolve()
    })
  }

  #drain(): void {
    const batch = [...this.#owed, ...this.#queue].slice(0, batchLengthMax)
    const owed = Math.min(this.#owed.length, batch.length)
    let steps: Step[]
    try {
      if (this.#behind) this.#catchUp()
      steps = this.#run(batch)
    } catch (reason) {
      this.#unwell(reason)
      this.#queue = this.#queue.slice(batch.length - owed)
      for (const queued of batch.slice(owed)) this.#refuse(queued, reason)
      return
    }
    this.#owed = this.#owed.slice(steps.length)
    this.#queue = this.#queue.slice(Math.max(0, steps.length - owed))
    for (const [at, step] of steps.entries()) {
      const queued = batch[at] as Queued
      if (step.kind === 'failed') queued.answer.reject(step.reason)
      else this.#settle(step, queued)
    }
  }

  /** What the disk did not take fails, but for an open, which is owed to the journal. */
  #refuse(queued: Queued, reason: unknown): void {
    const { answer, ahead } = queued
    const decided =
      ahead && this.#owed.length < owedMax ? this.#decide(queued, timeOf(this.#options.clock.wallNs())) : undefined
    if (decided?.kind === 'change' && decided.effect.$case === 'inodeOpened') {
      this.#owed.push(queued)
      answer.resolve({ kind: 'unchanged', result: attributesResult(this.#options.state, decided.effect.value.ino) })
    } else if (decided?.kind === 'failed') answer.reject(decided.reason)
    else if (decided?.kind === 'unchanged') answer.resolve(decided)
    else answer.reject(reason)
  }

  /** Commits as much of the batch as one journal write may carry. @throws LeasefsError: nothing was done, or TIMEOUT */
  #run(batch: readonly Queued[]): Step[] {
    const { state, journal } = this.#options
    const payloads: Buffer[] = []
    let appended = false
    try {
      return state.transaction(() => {
        const steps: Step[] = []
        let bytes = 0
        for (const queued of batch) {
          steps.push(
            this.#step(queued, payload => {
              payloads.push(payload)
              bytes += payload.length
            }),
          )
          if (bytes >= batchBytesMax) break
        }
        this.#append(payloads)
        appended = payloads.length > 0
        return steps
      })
    } catch (reason) {
      if (!appended || !(reason instanceof LeasefsError)) throw reason
      // In the journal, but not in the state: the next batch begins with it.
      this.#behind = true
      this.#options.log.error({ err: reason, lastIndex: journal.lastIndex }, 'the state could not be committed')
      throw new LeasefsError('TIMEOUT', 'the change is journaled, but its outcome is not known yet', { cause: reason })
    }
  }

  #append(payloads: readonly Buffer[]): void {
    if (payloads.length === 0) return
    this.#options.journal.append(payloads)
    this.#well()
  }

  #well(): void {
    if (this.#trouble) this.#options.log.info('changes are carried out again')
    this.#trouble = undefined
  }

  /** Said once in the log. @throws what is no matter of the disk */
  #unwell(reason: unknown): void {
    if (!(reason instanceof LeasefsError)) throw reason
    if (!this.#trouble) this.#options.log.error({ err: reason }, 'the disk takes no records: changes are refused')
    this.#trouble = reason.cause instanceof LeasefsError ? reason.cause : reason
  }

  #step(queued: Queued, journaled: (payload: Buffer) => void): Step {
    const { state, clock } = this.#options
    const now = timeOf(clock.wallNs())
    const decided = this.#decide(queued, now)
    if (decided.kind !== 'change') return decided

    // What goes wrong from here on is no matter of this change: it takes back the whole batch.
    const record: JournalRecord = { now, origin: queued.origin, effect: decided.effect }
    journaled(encodeStored(JournalRecord, record))
    return { kind: 'applied', outcome: applyRecord(state, state.meta.current.appliedIndex + 1, record) }
  }

  #decide({ check, origin }: Queued, now: Time): Step | Extract<Decision, { kind: 'change' }> {
    const { state, goal, trash = false, noGrowth } = this.#options
    if (origin) {
      const reply = state.answers.find(origin.sessionId, origin.number)
      if (reply) return { kind: 'repeated', reply }
    }
    try {
      if (origin) checkOrigin(state, origin)
      const decision = check(state, { session: origin?.sessionId ?? 0, now, goal, trash })
      if (decision.kind === 'answer') return { kind: 'unchanged', result: decision.result }
      const refused = takesRoom(decision.effect) ? noGrowth?.() : undefined
      return refused ? { kind: 'failed', reason: refused } : decision
    } catch (reason) {
      if (!(reason instanceof LeasefsError)) throw reason
      return { kind: 'failed', reason }
    }
  }

  /** Tells whom it concerns at once, and answers when that is done. */
  #settle(step: Committed, { origin, answer }: Queued): void {
    const { committed, durability, journal } = this.#options
    const waits = [committed(step, origin), durability === 'disk' ? journal.sync() : undefined].filter(wait => wait)
    if (waits.length === 0) answer.resolve(step)
    else Promise.all(waits).then(() => answer.resolve(step), answer.reject)
  }

  /** Applies what is journaled and not in the state: a batch that could not be committed. Nobody waits for it, but others must be told. */
  #catchUp(): void {
    const { state, journal, committed } = this.#options
    const applied = state.transaction(() =>
      Array.from(journal.read(state.meta.current.appliedIndex + 1), ({ index, payload }) => {
        const record = decodeRecord(index, payload)
        return { outcome: applyRecord(state, index, record), origin: record.origin }
      }),
    )
    this.#behind = false
    assert.equal(state.meta.current.appliedIndex, journal.lastIndex)
    for (const { outcome, origin } of applied) void committed({ kind: 'applied', outcome }, origin)
  }
}

/** What is for good, or can be done without: the rest ends what was begun, or gives room back. */
function takesRoom({ $case }: Effect): boolean {
  switch ($case) {
    case 'inodeMade':
    case 'entryLinked':
    case 'xattrSet':
    case 'chunksAllocated':
    case 'inodeAccessed':
      return true
    default:
      return false
  }
}

/** @throws LeasefsError SESSION_LOST, UNAVAILABLE */
function checkOrigin(state: State, { sessionId }: Origin): void {
  if (!state.sessions.find(sessionId)) throw new LeasefsError('SESSION_LOST', `session ${sessionId} has ended`)
  if (state.answers.count(sessionId) >= answersMax) {
    throw new LeasefsError('UNAVAILABLE', `session ${sessionId} has ${answersMax} unacknowledged answers`)
  }
}
