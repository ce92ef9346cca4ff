// The replicas of this server that have something going on, and those who wait
// for one of them to change: a commit that overtook its grant, an apply that
// overtook the making of its replica (they travel on different streams).

import { LRUCache } from 'lru-cache'
import { LeasefsError } from '../base/errors.js'
import type { Logger } from '../base/log.js'
import { type ChunkHandle, handleText } from '../wire/ids.js'
import { notMadeMax, replicaIdleMs } from './limits.js'
import { Replica, type ReplicaContext } from './replica.js'

export interface ReplicasOptions extends Omit<ReplicaContext, 'changed' | 'doubted'> {
  readonly log: Logger
  /** A replica of ours is not what the master thinks it is: it has a gap. */
  readonly failed: (handle: ChunkHandle, wasPrimary: boolean) => void
  /** A lease of ours ended with mutations under way: the replicas must be made level. */
  readonly doubted: (handle: ChunkHandle) => void
}

export class Replicas {
  readonly #options: ReplicasOptions
  readonly #context: ReplicaContext
  readonly #replicas = new Map<ChunkHandle, Replica>()
  readonly #primaries = new Set<Replica>()
  readonly #waiting = new Map<ChunkHandle, Set<() => void>>()
  /** The oldest is forgotten first. */
  readonly #notMade = new LRUCache<ChunkHandle, LeasefsError>({ max: notMadeMax })

  constructor(options: ReplicasOptions) {
    this.#options = options
    this.#context = {
      ...options,
      changed: replica => this.#changed(replica),
      doubted: ({ handle }) => options.doubted(handle),
    }
  }

  /** The replica, if the store has it. */
  get(handle: ChunkHandle): Replica | undefined {
    const known = this.#replicas.get(handle)
    if (known || !this.#context.store.stat(handle)) return known
    const replica = new Replica(handle, this.#context)
    this.#replicas.set(handle, replica)
    return replica
  }

  /** Those whose lease this server holds, or held a moment ago. */
  primaries(): Iterable<Replica> {
    return this.#primaries
  }

  /** The replica, if something has gone on with it lately. */
  known(handle: ChunkHandle): Replica | undefined {
    return this.#replicas.get(handle)
  }

  /** True if the replica failed since this process started. */
  isFailed(handle: ChunkHandle): boolean {
    return this.#replicas.get(handle)?.role.kind === 'failed'
  }

  /** A replica has appeared in the store. */
  created(handle: ChunkHandle): void {
    this.#notMade.delete(handle)
    this.#wake(handle)
  }

  /** A new replica could not be made: nobody needs to wait for it. */
  notMade(handle: ChunkHandle, reason: LeasefsError): void {
    this.#notMade.set(handle, reason)
    this.#wake(handle)
  }

  /** Why there is no replica, if one was to be made. */
  whyNotMade(handle: ChunkHandle): LeasefsError | undefined {
    return this.#notMade.get(handle)
  }

  /** Ends everything that goes on with the replica, before it is deleted. Resolves when nothing uses it. */
  async forget(handle: ChunkHandle, reason: LeasefsError): Promise<void> {
    const replica = this.#replicas.get(handle)
    await replica?.stop(reason)
    this.#replicas.delete(handle)
    if (replica) this.#primaries.delete(replica)
  }

  /**
   * Waits until `look` finds what it wants, at most `timeoutMs`. Looks at once,
   * and after each change of the replica. What it throws ends the wait.
   */
  async await<T>(handle: ChunkHandle, timeoutMs: number, look: () => T | undefined): Promise<T | undefined> {
    const { clock } = this.#context
    const deadline = clock.now() + timeoutMs
    for (;;) {
      const found = look()
      const leftMs = deadline - clock.now()
      if (found !== undefined || leftMs <= 0) return found
      await this.#nextChange(handle, leftMs)
    }
  }

  /** A duty: ends leases that have expired, and forgets replicas that nothing has been heard of for long. */
  sweep(now: number, leaseMs: number): void {
    for (const replica of this.#primaries) {
      const { role } = replica
      if (role.kind !== 'primary' || now < role.order.expiresAt || !role.order.isIdle) continue
      const { leaseId } = role
      this.#context.trace?.('lease.expire', { handle: handleText(replica.handle), version: replica.version, leaseId })
      replica.stepDown(new LeasefsError('NOT_PRIMARY', 'the lease has expired'))
    }
    const before = now - Math.max(replicaIdleMs, 2 * leaseMs)
    for (const [handle, replica] of this.#replicas) {
      if (replica.isIdle && replica.usedAt < before) this.#replicas.delete(handle)
    }
  }

  /** Resolves when no mutation is under way. */
  async drained(): Promise<void> {
    const idle = [...this.#replicas.values()].map(async ({ role }) => {
      if (role.kind === 'primary') await role.order.drained()
      if (role.kind !== 'failed') await role.queue.idle()
    })
    await Promise.all(idle)
  }

  /** Ends every lease and every queue. Resolves when nothing is applied any more. */
  async close(reason: LeasefsError): Promise<void> {
    await Promise.all([...this.#replicas.values()].map(replica => replica.stop(reason)))
  }

  #changed(replica: Replica): void {
    const { kind } = replica.role
    const wasPrimary = this.#primaries.has(replica)
    if (kind === 'primary') this.#primaries.add(replica)
    else this.#primaries.delete(replica)
    if (kind === 'failed') this.#failed(replica, wasPrimary)
    this.#wake(replica.handle)
  }

  #failed({ handle, role }: Replica, wasPrimary: boolean): void {
    const reason = role.kind === 'failed' ? role.reason.message : ''
    this.#options.log.error({ handle: handleText(handle), wasPrimary, reason }, 'replica failed')
    this.#options.failed(handle, wasPrimary)
  }

  #wake(handle: ChunkHandle): void {
    for (const wake of [...(this.#waiting.get(handle) ?? [])]) wake()
  }

  #nextChange(handle: ChunkHandle, timeoutMs: number): Promise<void> {
    const waiting = this.#waiting.get(handle) ?? new Set()
    this.#waiting.set(handle, waiting)
    return new Promise(resolve => {
      const wake = () => {
        cancel()
        waiting.delete(wake)
        if (waiting.size === 0 && this.#waiting.get(handle) === waiting) this.#waiting.delete(handle)
        resolve()
      }
      const cancel = this.#context.clock.after(timeoutMs, wake)
      waiting.add(wake)
    })
  }
}
