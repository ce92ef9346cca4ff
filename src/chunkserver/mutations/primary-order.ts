// The order of a chunk's mutations under one lease (GFS section 3.1): serial
// numbers are given here, dense from 1, and a mutation is done when this
// server and every secondary have applied it.
//
// When a secondary fails the order stands still: no serial number is given
// until those that remain have applied everything that was sent, the master
// has raised the version without the failed ones, and so the set that counts
// is known again. What was under way then completes with the survivors.
//
// Invariants:
// - in flight: serials doneSerial + 1 to nextSerial − 1, in order, none left out;
// - a mutation is done iff localSerial and every secondary's appliedSerial have reached it.

import assert from 'node:assert/strict'
import type { Clock } from '../../base/clock.js'
import { type Deferred, deferred } from '../../base/deferred.js'
import { LeasefsError } from '../../base/errors.js'
import { type ChunkHandle, handleText, type LeaseId, type ServerId } from '../../wire/ids.js'
import { failureReportPauseMs } from '../limits.js'
import type { AppliedMutations } from './applied-mutations.js'
import type { CheckedMutation } from './checked.js'
import { failureOf } from './mutation-error.js'
import { RememberedMutations, type UnderWay } from './remembered-mutations.js'
import type { Answered, SecondaryAddress } from './secondary-link.js'

export interface LeaseTerms {
  readonly leaseId: LeaseId
  readonly secondaries: readonly SecondaryAddress[]
  /** By our clock. */
  readonly expiresAt: number
}

/** What the order does to the world. */
export interface OrderEffects {
  readonly clock: Clock
  /** What this server's replica has applied; whatever is applied here is noted there. */
  readonly applied: AppliedMutations
  /** Applies here, in the order of the calls. Never rejects. */
  applyHere(firstSerial: number, mutations: readonly CheckedMutation[]): Promise<LeasefsError | undefined>
  applyThere(
    secondary: SecondaryAddress,
    firstSerial: number,
    mutations: readonly CheckedMutation[],
    answered: Answered,
  ): void
  /** Tells the master; resolves to the secondaries that remain, when the version has been raised. */
  reportFailed(failed: readonly ServerId[], reason: LeasefsError): Promise<readonly ServerId[]>
  /** The order is over for good: this server's own replica failed, or the master says that the lease is not ours. */
  ended(reason: LeasefsError): void
}

interface Secondary {
  readonly address: SecondaryAddress
  /** Everything up to here is applied there. */
  appliedSerial: number
}

interface InFlight extends UnderWay {
  readonly lastSerial: number
  readonly mutations: readonly CheckedMutation[]
  readonly deferred: Deferred<void>
}

type Phase =
  | { readonly kind: 'ordering' }
  /** Secondaries failed, and the master has not yet taken them out of the set. */
  | { readonly kind: 'standing-still'; readonly failed: Map<ServerId, LeasefsError>; readonly over: Deferred<void> }
  | { readonly kind: 'ended'; readonly reason: LeasefsError }

export class PrimaryOrder {
  readonly leaseId: LeaseId
  readonly remembered: RememberedMutations
  readonly #handle: ChunkHandle
  readonly #effects: OrderEffects
  readonly #secondaries: Map<ServerId, Secondary>
  readonly #inFlight: InFlight[] = []
  #phase: Phase = { kind: 'ordering' }
  #expiresAt: number
  #nextSerial = 1
  #localSerial = 0
  #used = false
  #leftUnderWay = false
  /** Wakes those who wait for something to be applied. */
  #progress: Deferred<void> | undefined

  constructor(handle: ChunkHandle, terms: LeaseTerms, effects: OrderEffects) {
    this.leaseId = terms.leaseId
    this.#handle = handle
    this.#effects = effects
    this.remembered = new RememberedMutations(effects.applied)
    this.#expiresAt = terms.expiresAt
    this.#secondaries = new Map(terms.secondaries.map(address => [address.serverId, { address, appliedSerial: 0 }]))
  }

  get expiresAt(): number {
    return this.#expiresAt
  }

  get secondaryIds(): ServerId[] {
    return [...this.#secondaries.keys()]
  }

  get isIdle(): boolean {
    return this.#inFlight.length === 0
  }

  /** It ended with mutations that some replicas may have applied and others not. */
  get leftUnderWay(): boolean {
    return this.#leftUnderWay
  }

  /** The last serial number that was given; 0 if none was. */
  get lastSerial(): number {
    return this.#nextSerial - 1
  }

  /** The lease lasts until then, by our clock. It never gets shorter. */
  extend(expiresAt: number): void {
    this.#expiresAt = Math.max(this.#expiresAt, expiresAt)
  }

  /** Whether mutations were ordered, or are under way, since it was last asked. */
  takeUsed(): boolean {
    const used = this.#used || !this.isIdle
    this.#used = false
    return used
  }

  /** Undefined: serial numbers may be given now. Else wait for it, and look at everything again. @throws LeasefsError NOT_PRIMARY */
  standstill(): Promise<void> | undefined {
    const phase = this.#phase
    if (phase.kind === 'ended') throw phase.reason
    if (this.#effects.clock.now() >= this.#expiresAt) throw this.#notPrimary('the lease has expired')
    return phase.kind === 'standing-still' ? phase.over.promise : undefined
  }

  /** Gives the next serial numbers, and has everyone apply. All data is here. */
  submit(mutations: readonly CheckedMutation[]): { readonly firstSerial: number } & UnderWay {
    assert(this.#phase.kind === 'ordering')
    const firstSerial = this.#nextSerial
    const lastSerial = firstSerial + mutations.length - 1
    const done = deferred<void>()
    done.promise.catch(() => {}) // Whoever waits has its own handler; perhaps nobody does any more.
    const entry: InFlight = { lastSerial, mutations, deferred: done, done: done.promise }
    for (const [index, mutation] of mutations.entries()) this.remembered.begin(mutation, firstSerial + index, entry)
    this.#nextSerial = lastSerial + 1
    this.#used = true
    this.#inFlight.push(entry)

    for (const secondary of this.#secondaries.values()) {
      this.#effects.applyThere(secondary.address, firstSerial, mutations, error => {
        if (error) return this.#secondaryFailed(secondary, error)
        assert(secondary.appliedSerial <= lastSerial)
        secondary.appliedSerial = lastSerial
        this.#advance()
      })
    }
    this.#effects.applyHere(firstSerial, mutations).then(error => {
      if (error) return this.end(error)
      this.#localSerial = lastSerial
      this.#advance()
    })
    return { firstSerial, done: done.promise }
  }

  /** Resolves when nothing is in flight any more. Never rejects. */
  async drained(): Promise<void> {
    while (!this.isIdle) await this.#nextProgress()
  }

  /** No serial number is given any more. What is in flight may still complete: see drained(). */
  retire(reason: LeasefsError): void {
    if (this.#phase.kind === 'ordering') {
      this.#phase = { kind: 'ended', reason: this.#notPrimary(reason.message) }
    } else {
      this.end(reason)
    }
  }

  /** No serial number is given any more, and what is in flight has an unknown outcome. */
  end(reason: LeasefsError): void {
    const phase = this.#phase
    if (phase.kind !== 'ended') this.#phase = { kind: 'ended', reason: this.#notPrimary(reason.message) }
    if (phase.kind === 'standing-still') phase.over.resolve()
    const unknown = new LeasefsError('REPLICA_FAILED', `the lease ended before all had applied: ${reason.message}`)
    this.#leftUnderWay ||= this.#inFlight.length > 0
    for (const entry of this.#inFlight.splice(0)) entry.deferred.reject(unknown)
    this.#wake()
    if (phase.kind !== 'ended') this.#effects.ended(reason)
  }

  #notPrimary(why: string): LeasefsError {
    return new LeasefsError(
      'NOT_PRIMARY',
      `this server is not the primary of chunk ${handleText(this.#handle)}: ${why}`,
    )
  }

  /** Completes, in order, what everyone has applied. */
  #advance(): void {
    let applied = this.#localSerial
    for (const secondary of this.#secondaries.values()) applied = Math.min(applied, secondary.appliedSerial)
    for (let entry = this.#inFlight[0]; entry && entry.lastSerial <= applied; entry = this.#inFlight[0]) {
      this.#inFlight.shift()
      for (const mutation of entry.mutations) this.remembered.complete(mutation)
      entry.deferred.resolve()
    }
    this.#wake()
  }

  #secondaryFailed({ address }: Secondary, error: LeasefsError): void {
    if (!this.#secondaries.has(address.serverId)) return
    if (this.#phase.kind === 'ended') {
      this.end(error)
      return
    }
    if (this.#phase.kind === 'ordering') {
      this.#phase = { kind: 'standing-still', failed: new Map(), over: deferred() }
      this.#phase.failed.set(address.serverId, error)
      this.#settleFailures(this.#phase)
      return
    }
    if (!this.#phase.failed.has(address.serverId)) this.#phase.failed.set(address.serverId, error)
    this.#wake()
  }

  /** Goes on with those that remain, or ends the order. */
  async #settleFailures(phase: Phase & { kind: 'standing-still' }): Promise<void> {
    while (this.#phase === phase && this.#effects.clock.now() < this.#expiresAt) {
      if (!this.#survivorsLevel(phase.failed)) {
        await this.#nextProgress()
        continue
      }
      const failed = [...phase.failed.keys()]
      const remaining = await this.#report(failed, phase.failed)
      if (this.#phase !== phase) return
      if (!remaining) continue
      for (const id of this.secondaryIds) if (!remaining.includes(id)) this.#secondaries.delete(id)
      for (const id of phase.failed.keys()) if (!this.#secondaries.has(id)) phase.failed.delete(id)
      if (phase.failed.size > 0) {
        await this.#effects.clock.sleep(failureReportPauseMs) // Another one failed meanwhile.
        continue
      }
      this.#phase = { kind: 'ordering' }
      this.#advance()
      phase.over.resolve()
      return
    }
    this.end(new LeasefsError('NOT_PRIMARY', 'the lease expired while a replica was failing'))
  }

  /** Whether this server and all secondaries that have not failed have applied everything. */
  #survivorsLevel(failed: ReadonlyMap<ServerId, LeasefsError>): boolean {
    const last = this.#nextSerial - 1
    if (this.#localSerial < last) return false
    return [...this.#secondaries].every(([id, { appliedSerial }]) => failed.has(id) || appliedSerial === last)
  }

  /** Undefined: the master could not be asked, or could not do it now. */
  async #report(
    failed: readonly ServerId[],
    reasons: ReadonlyMap<ServerId, LeasefsError>,
  ): Promise<readonly ServerId[] | undefined> {
    const [first] = reasons.values()
    assert(first)
    try {
      return await this.#effects.reportFailed(failed, first)
    } catch (reason) {
      const error = failureOf(reason)
      if (error.code === 'NOT_PRIMARY' || error.code === 'STALE_VERSION') this.end(error)
      else await this.#effects.clock.sleep(failureReportPauseMs)
      return undefined
    }
  }

  #nextProgress(): Promise<void> {
    this.#progress ??= deferred()
    return this.#progress.promise
  }

  #wake(): void {
    this.#progress?.resolve()
    this.#progress = undefined
  }
}
