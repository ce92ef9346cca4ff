// What a primary does with a commit: waits for what may still be on its way
// (the grant, the data), checks that it may order, gives serial numbers, and
// answers when all replicas have applied (GFS section 3.1, steps 4 to 7).
//
// Serial numbers are given when the data is here, so a commit whose data never
// comes leaves no gap. Commits of one client to one chunk are ordered as they
// came: one that waits holds those behind it, and no one else's.

import type { Clock } from '../../base/clock.js'
import { LeasefsError } from '../../base/errors.js'
import type { ChunkUsage } from '../../wire/gen/common.js'
import { type ChunkHandle, type DataId, handleText } from '../../wire/ids.js'
import { commitDataWaitMs, grantWaitMs, secondariesToLeaveTo, spaceReserveBytes } from '../limits.js'
import type { PushBuffer } from '../push-buffer.js'
import type { Replica } from '../replica.js'
import type { Replicas } from '../replicas.js'
import type { ServerLease } from '../server-lease.js'
import type { ChunkStore } from '../store/chunk-store.js'
import type { CheckedCommit, CheckedMutation } from './checked.js'
import { DataUnknownError } from './mutation-error.js'
import type { PrimaryOrder } from './primary-order.js'

export interface CommitsOptions {
  readonly replicas: Replicas
  readonly store: ChunkStore
  readonly data: PushBuffer
  readonly clock: Clock
  readonly serverLease: ServerLease
  /** As last measured. */
  readonly freeBytes: () => number
  /** Another server has room for a replica. */
  readonly roomElsewhere: () => boolean
  /** Set when the server is stopping. */
  readonly closing: () => boolean
}

/** A commit that has its place in the order. */
export interface Ordered {
  readonly firstSerial: number
  /** Resolves when every replica has applied all of it. @throws LeasefsError REPLICA_FAILED */
  readonly done: Promise<void>
}

export class Commits {
  readonly #options: CommitsOptions

  constructor(options: CommitsOptions) {
    this.#options = options
  }

  /**
   * Gives the commit its place in the order.
   *
   * @throws LeasefsError NOT_PRIMARY, STALE_VERSION, DATA_UNKNOWN, NO_SPACE, CHANGED, UNAVAILABLE, INVALID_ARGUMENT
   */
  async order(commit: CheckedCommit): Promise<Ordered> {
    for (;;) {
      const order = this.#orderNow(commit) ?? (await this.#orderSoon(commit))
      // From here to submit() nothing else runs, unless we wait: then everything is looked at again.
      const standstill = order.standstill()
      if (standstill) {
        await standstill
        continue
      }
      const fresh = commit.mutations.filter(({ key }) => !order.remembered.find(key))
      const missing = this.#missing(fresh)
      if (missing.length > 0) {
        await this.#awaitData(missing)
        continue
      }
      this.#checkSpace(commit.handle, order, fresh)
      checkPlace(order, fresh)
      return this.#submit(order, commit, fresh)
    }
  }

  /** What of the chunk is stored here, as of the last mutation that this server ordered. */
  usage(handle: ChunkHandle): ChunkUsage | undefined {
    return this.#options.replicas.get(handle)?.usage
  }

  #submit(order: PrimaryOrder, { mutations }: CheckedCommit, fresh: readonly CheckedMutation[]): Ordered {
    const retried = mutations.flatMap(({ id, key }) => {
      const known = order.remembered.find(key)
      if (known) this.#options.data.discard(id)
      return known ?? []
    })
    if (fresh.length === 0) return { firstSerial: retried[0]?.serial ?? 0, done: allDone(retried) }
    const submitted = order.submit(fresh)
    if (retried.length === 0) return submitted
    const firstSerial = Math.min(submitted.firstSerial, ...retried.map(({ serial }) => serial))
    return { firstSerial, done: Promise.all([submitted.done, allDone(retried)]).then(() => {}) }
  }

  /** The order of the chunk's mutations, if this server may give it now. Undefined: it may be about to. */
  #orderNow({ handle, version }: CheckedCommit): PrimaryOrder | undefined {
    const { replicas, serverLease, clock, closing } = this.#options
    if (closing()) throw new LeasefsError('UNAVAILABLE', 'this server is stopping')
    serverLease.check(clock.now())
    const replica = replicas.get(handle)
    if (!replica) return undefined
    if (replica.role.kind === 'failed') throw replica.role.reason
    checkNotBehind(replica, version)
    return replica.role.kind === 'primary' && replica.version === version ? replica.role.order : undefined
  }

  async #orderSoon(commit: CheckedCommit): Promise<PrimaryOrder> {
    const { handle } = commit
    const order = await this.#options.replicas.await(handle, grantWaitMs, () => this.#orderNow(commit))
    if (order) return order
    throw new LeasefsError('NOT_PRIMARY', `this server holds no lease of chunk ${handleText(handle)}`)
  }

  /** Data that is not here. @throws LeasefsError INVALID_ARGUMENT: it is here, and not as long as the mutation says */
  #missing(mutations: readonly CheckedMutation[]): DataId[] {
    const missing: DataId[] = []
    for (const { id, key, change } of mutations) {
      if (change.kind !== 'write') continue
      const pushed = this.#options.data.get(id)
      if (!pushed) missing.push(id)
      else if (pushed.length !== change.length) {
        throw new LeasefsError('INVALID_ARGUMENT', `data ${key} has ${pushed.length} bytes, not ${change.length}`)
      }
    }
    return missing
  }

  async #awaitData(ids: readonly DataId[]): Promise<void> {
    const { data } = this.#options
    await Promise.all(ids.map(id => data.arrival(id, commitDataWaitMs)))
    const missing = ids.filter(id => !data.get(id))
    if (missing.length > 0) throw new DataUnknownError(missing)
  }

  /**
   * A full disk is found here, before a serial number is given: after that it would cost the replica. With a disk that is full this server is no good as a primary. It gives its replica up, to be made again elsewhere,
   * if there are enough others meanwhile; otherwise the client is told.
   *
   * @throws LeasefsError NO_SPACE, NOT_PRIMARY
   */
  #checkSpace(handle: ChunkHandle, order: PrimaryOrder, mutations: readonly CheckedMutation[]): void {
    const { store, replicas, freeBytes, roomElsewhere } = this.#options
    if (freeBytes() >= spaceReserveBytes) return
    const length = store.stat(handle)?.length ?? 0
    const grows = mutations.some(
      ({ change }) => change.kind === 'allocate' || (change.kind === 'write' && change.offset + change.length > length),
    )
    if (!grows) return
    const full = new LeasefsError('NO_SPACE', `no space for chunk ${handleText(handle)}`)
    if (order.secondaryIds.length < secondariesToLeaveTo || !roomElsewhere()) throw full
    replicas.get(handle)?.fail(full)
    throw new LeasefsError('NOT_PRIMARY', full.message)
  }
}

/** @throws LeasefsError CHANGED: a mutation is only for a place in the order that has passed */
function checkPlace({ leaseId, lastSerial }: PrimaryOrder, mutations: readonly CheckedMutation[]): void {
  for (const { key, change } of mutations) {
    const after = change.kind === 'truncate' ? change.after : undefined
    if (!after || (after.leaseId === leaseId && after.serial === lastSerial)) continue
    const place = `${after.serial} of lease ${after.leaseId}`
    throw new LeasefsError('CHANGED', `${key} is for after ${place}, ${lastSerial} of ${leaseId} was given since`)
  }
}

/** @throws LeasefsError STALE_VERSION: the client missed a raise */
function checkNotBehind(replica: Replica, version: number): void {
  if (version >= replica.version) return
  const text = handleText(replica.handle)
  throw new LeasefsError('STALE_VERSION', `chunk ${text} is at version ${replica.version}, the commit at ${version}`)
}

async function allDone(known: readonly { readonly order?: { readonly done: Promise<void> } }[]): Promise<void> {
  await Promise.all(known.map(({ order }) => order?.done))
}
