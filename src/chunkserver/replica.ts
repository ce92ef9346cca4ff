// What this server is to one chunk it holds, and how that changes: by the
// master's word (grant, revoke, raise), by a primary with a newer lease, and by
// failure. The bytes and the version are in the store.
//
// Invariants:
// - lease ids only rise: what a lower one ordered is refused;
// - each lease has its own queue, which begins when the one before it has ended;
// - a failed replica has a gap: it applies and serves nothing any more.

import type { Clock } from '../base/clock.js'
import { LeasefsError } from '../base/errors.js'
import type { Trace } from '../base/trace.js'
import type { ChunkUsage } from '../wire/gen/common.js'
import { type ChunkHandle, handleText, type LeaseId, type ServerId } from '../wire/ids.js'
import { type AppliedMutation, AppliedMutations } from './mutations/applied-mutations.js'
import { ApplyQueue } from './mutations/apply-queue.js'
import type { CheckedApply, CheckedMutation } from './mutations/checked.js'
import { type LeaseTerms, PrimaryOrder } from './mutations/primary-order.js'
import type { SecondaryLinks } from './mutations/secondary-links.js'
import type { PushBuffer } from './push-buffer.js'
import type { ChunkStore } from './store/chunk-store.js'

export type Role =
  /** Applies what the holder of the lease orders, serial `nextSerial` next. Lease 0: none has been seen. */
  | { readonly kind: 'secondary'; readonly leaseId: LeaseId; readonly nextSerial: number; readonly queue: ApplyQueue }
  | { readonly kind: 'primary'; readonly leaseId: LeaseId; readonly order: PrimaryOrder; readonly queue: ApplyQueue }
  | { readonly kind: 'failed'; readonly leaseId: LeaseId; readonly reason: LeasefsError }

/** A report to the master that secondaries failed; resolves to those that remain. */
export interface FailureReport {
  readonly handle: ChunkHandle
  readonly version: number
  readonly leaseId: LeaseId
  readonly serverIds: readonly ServerId[]
  readonly reason: LeasefsError
}

/** What all replicas of a server share. */
export interface ReplicaContext {
  readonly store: ChunkStore
  readonly data: PushBuffer
  readonly links: SecondaryLinks
  readonly clock: Clock
  readonly trace: Trace | undefined
  /** A mutation was not applied, for this reason. */
  readonly refused: (reason: LeasefsError) => void
  readonly reportFailed: (report: FailureReport) => Promise<readonly ServerId[]>
  /** It may differ from the others in what was under way when its lease ended. */
  readonly doubted: (replica: Replica) => void
  /** The replica's role or version is another. */
  readonly changed: (replica: Replica) => void
}

const noLease = 0 as LeaseId
const nothing = Promise.resolve()

export class Replica {
  readonly handle: ChunkHandle
  readonly applied = new AppliedMutations()
  readonly #context: ReplicaContext
  #role: Role
  #usage: ChunkUsage | undefined
  #usedAt: number
  /** A lease of ours ended with mutations under way. What a crash left is the store's to know. */
  #leftUnderWay = false

  constructor(handle: ChunkHandle, context: ReplicaContext) {
    this.handle = handle
    this.#context = context
    this.#usedAt = context.clock.now()
    this.#role = { kind: 'secondary', leaseId: noLease, nextSerial: 0, queue: this.#newQueue(nothing) }
  }

  get role(): Role {
    return this.#role
  }

  /** When it was last granted, raised or given mutations. */
  get usedAt(): number {
    return this.#usedAt
  }

  get isIdle(): boolean {
    return this.#role.kind === 'secondary' && this.#role.queue.isIdle && !this.#leftUnderWay
  }

  /** What was stored after the last mutation that this server ordered under its lease and has applied here; serial 0: before the first. */
  get usage(): ChunkUsage | undefined {
    if (!this.#usage && this.#role.kind === 'primary') this.#countUsage(this.#role.leaseId, 0)
    return this.#usage
  }

  /** It must be compared with the others before it is relied on. */
  get isDoubtful(): boolean {
    return this.#leftUnderWay || this.#context.store.stat(this.handle)?.doubtful === true
  }

  /** @throws LeasefsError NOT_FOUND */
  get version(): number {
    const stored = this.#context.store.stat(this.handle)
    if (stored) return stored.version
    throw new LeasefsError('NOT_FOUND', `no replica of chunk ${this.#text} here`)
  }

  /** The master has granted us the lease; again, perhaps. @throws LeasefsError STALE_VERSION, REPLICA_FAILED */
  becomePrimary(terms: LeaseTerms): void {
    const role = this.#role
    this.#checkNotFailed()
    if (this.isDoubtful) throw new LeasefsError('STALE_VERSION', `chunk ${this.#text} is not level with the others`)
    if (role.kind === 'primary' && role.leaseId === terms.leaseId) {
      role.order.extend(terms.expiresAt)
      return
    }
    if (role.leaseId >= terms.leaseId) {
      throw new LeasefsError(
        'STALE_VERSION',
        `lease ${terms.leaseId} of chunk ${this.#text} is older than ${role.leaseId}`,
      )
    }
    const queue = this.#nextQueue(`lease ${terms.leaseId} was granted to this server`)
    this.#usage = undefined
    this.#become({ kind: 'primary', leaseId: terms.leaseId, order: this.#newOrder(terms, queue), queue })
  }

  /** This server orders nothing any more under its lease, if it has one. What is in flight has an unknown outcome. */
  stepDown(reason: LeasefsError): void {
    const role = this.#role
    if (role.kind !== 'primary') return
    // Nobody else orders under our lease: there is no next serial.
    this.#become({ kind: 'secondary', leaseId: role.leaseId, nextSerial: 0, queue: role.queue })
    role.order.end(reason)
    if (!role.order.leftUnderWay || this.#leftUnderWay) return
    this.#leftUnderWay = true
    this.#context.doubted(this)
  }

  /**
   * Nothing is applied until the next lease: what was ordered under an earlier
   * one and comes late is refused. Resolves when what had begun has ended.
   *
   * @throws LeasefsError REPLICA_FAILED; NOT_SUPPORTED: this server holds the lease
   */
  async standStill(): Promise<void> {
    this.#checkNotFailed()
    const role = this.#role
    if (role.kind !== 'secondary') throw new LeasefsError('NOT_SUPPORTED', `chunk ${this.#text} is being ordered here`)
    const queue = this.#nextQueue('it is made level with the others')
    this.#become({ ...role, nextSerial: 0, queue })
    await role.queue.idle()
  }

  /** It holds what all others hold; `applied` if that is what another replica held. */
  trust(applied?: readonly AppliedMutation[]): void {
    if (applied) this.applied.replace(applied)
    this.#leftUnderWay = false
    this.#context.store.trust(this.handle)
  }

  /** As stepDown(), but what is in flight may complete. Resolves when it has. Never rejects. */
  async retire(reason: LeasefsError): Promise<void> {
    const role = this.#role
    if (role.kind !== 'primary') return
    role.order.retire(reason)
    await role.order.drained()
    this.stepDown(reason)
  }

  /**
   * Takes a primary's apply into its place in the order. Resolves when it is
   * applied, or to the reason why not. The version has been checked.
   *
   * @throws LeasefsError STALE_VERSION (an older lease), REPLICA_FAILED (a gap, or failed before)
   */
  receive(apply: CheckedApply): Promise<LeasefsError | undefined> {
    this.#checkNotFailed()
    const { leaseId, firstSerial, mutations } = apply
    if (leaseId < this.#role.leaseId) {
      throw new LeasefsError(
        'STALE_VERSION',
        `lease ${leaseId} of chunk ${this.#text} is over: ${this.#role.leaseId} is in force`,
      )
    }
    if (leaseId > this.#role.leaseId) {
      const queue = this.#nextQueue(`lease ${leaseId} is in force`)
      this.#become({ kind: 'secondary', leaseId, nextSerial: 1, queue })
    }
    const role = this.#role
    if (role.kind !== 'secondary' || firstSerial !== role.nextSerial) {
      const expected = role.kind === 'secondary' ? role.nextSerial : 'none'
      throw new LeasefsError(
        'REPLICA_FAILED',
        `serial ${firstSerial} of chunk ${this.#text} came, expected ${expected}`,
      )
    }
    this.#role = { ...role, nextSerial: firstSerial + mutations.length }
    this.#usedAt = this.#context.clock.now()
    return role.queue.push({ leaseId, firstSerial, mutations })
  }

  /**
   * The set of replicas has changed, and this one is of it. A primary keeps its
   * lease; what another primary ordered and has not begun here is given up.
   *
   * @throws LeasefsError STALE_VERSION, REPLICA_FAILED, NOT_FOUND, IO
   */
  async raise(from: number, to: number): Promise<void> {
    this.#checkNotFailed()
    if (this.version === to) return
    if (this.version !== from || to < from) {
      throw new LeasefsError('STALE_VERSION', `chunk ${this.#text} is at version ${this.version}, not ${from}`)
    }
    const role = this.#role
    if (role.kind === 'secondary' && !role.queue.isIdle) {
      const queue = this.#nextQueue(`version ${to} was raised`)
      this.#role = { ...role, nextSerial: 0, queue }
      await role.queue.idle()
    }
    await this.#context.store.setVersion(this.handle, to)
    this.#usedAt = this.#context.clock.now()
    this.#context.changed(this)
  }

  /** The replica has a gap, or its disk failed. */
  fail(reason: LeasefsError): void {
    const role = this.#role
    if (role.kind === 'failed') return
    this.#context.refused(reason)
    const failed = new LeasefsError('REPLICA_FAILED', `the replica of chunk ${this.#text} failed: ${reason.message}`)
    this.#become({ kind: 'failed', leaseId: role.leaseId, reason: failed })
    if (role.kind === 'primary') role.order.end(reason)
  }

  /** Nothing is applied any more; resolves when what had begun has ended. */
  async stop(reason: LeasefsError): Promise<void> {
    this.stepDown(reason)
    if (this.#role.kind !== 'failed') await this.#role.queue.stop(reason)
  }

  get #text(): string {
    return handleText(this.handle)
  }

  #become(role: Role): void {
    this.#role = role
    this.#usedAt = this.#context.clock.now()
    this.#context.changed(this)
  }

  #checkNotFailed(): void {
    if (this.#role.kind === 'failed') throw this.#role.reason
  }

  /** Ends what was ordered under the lease so far. */
  #nextQueue(why: string): ApplyQueue {
    const role = this.#role
    const reason = new LeasefsError('STALE_VERSION', `chunk ${this.#text}: ${why}`)
    this.stepDown(reason)
    return this.#newQueue(role.kind === 'failed' ? nothing : role.queue.stop(reason))
  }

  #newQueue(after: Promise<void>): ApplyQueue {
    const { store, data, clock, trace } = this.#context
    const failed = (reason: LeasefsError) => this.fail(reason)
    const { handle, applied } = this
    return new ApplyQueue({ handle, store, data, clock, trace, applied, after, failed })
  }

  #newOrder(terms: LeaseTerms, queue: ApplyQueue): PrimaryOrder {
    const { links, clock, trace, store } = this.#context
    const { leaseId } = terms
    return new PrimaryOrder(this.handle, terms, {
      clock,
      applied: this.applied,
      applyHere: (firstSerial, mutations) => {
        const applied = () => this.#countUsage(leaseId, firstSerial + mutations.length - 1)
        return queue.push({ leaseId, firstSerial, mutations, applied })
      },
      applyThere: (secondary, firstSerial, mutations, answered) => {
        const version = store.stat(this.handle)?.version ?? 0
        if (trace) this.#traceSent(secondary.serverId, version, leaseId, firstSerial, mutations)
        const wire = mutations.map(mutation => mutation.wire)
        links.send(secondary, { handle: this.handle, version, leaseId, firstSerial, mutations: wire }, answered)
      },
      reportFailed: (serverIds, reason) =>
        this.#context.reportFailed({ handle: this.handle, version: this.version, leaseId, serverIds, reason }),
      ended: reason => this.stepDown(reason),
    })
  }

  #countUsage(leaseId: LeaseId, serial: number): void {
    const { handle } = this
    const allocatedBytes = this.#context.store.allocatedBytes(handle)
    // The client knows which chunk of its file this is.
    if (allocatedBytes !== undefined) this.#usage = { index: 0, handle, leaseId, serial, allocatedBytes }
  }

  #traceSent(
    to: ServerId,
    version: number,
    leaseId: LeaseId,
    first: number,
    mutations: readonly CheckedMutation[],
  ): void {
    for (const [index, { key }] of mutations.entries()) {
      const serial = first + index
      this.#context.trace?.('apply.sent', { handle: this.#text, version, leaseId, serial, dataId: key, to })
    }
  }
}
