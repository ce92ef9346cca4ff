// Reads from the replicas of this server. Any replica of the version that the
// client names may answer: the master has made sure that one it left behind is
// named by nobody and, if it could not be told, serves no longer.

import type { Clock } from '../base/clock.js'
import { LeasefsError } from '../base/errors.js'
import type { Logger } from '../base/log.js'
import { chunkSize, mutationSizeMax } from '../constants.js'
import type { ReadBytes, ReadRequest } from '../dataplane/data-plane.js'
import type { ExtentsReply, ExtentsRequest } from '../wire/gen/mutation.js'
import { handleText, type OrderPlace } from '../wire/ids.js'
import { readsAtOnceMax, readsWaitingMax } from './limits.js'
import { checkHandle } from './mutations/checked.js'
import { failureFields, failureOf } from './mutations/mutation-error.js'
import type { Replicas } from './replicas.js'
import type { Damage } from './scrub/damage.js'
import type { ServerLease } from './server-lease.js'
import type { ChunkStore, StoredChecksums, StoredExtents } from './store/chunk-store.js'

export interface ReadsOptions {
  readonly store: ChunkStore
  readonly replicas: Replicas
  readonly serverLease: ServerLease
  readonly clock: Clock
  readonly log: Logger
  readonly damage: Pick<Damage, 'count' | 'found' | 'suspect'>
}

export class Reads {
  readonly #options: ReadsOptions
  readonly #waiting: (() => void)[] = []
  #underWay = 0

  constructor(options: ReadsOptions) {
    this.#options = options
  }

  get isBusy(): boolean {
    return this.#underWay > 0
  }

  /** As DataHandler.read. */
  async read(request: ReadRequest): Promise<ReadBytes> {
    checkRequest(request)
    if (this.#underWay >= readsAtOnceMax) await this.#turn()
    this.#underWay++
    try {
      this.#checkMayServe(request)
      const bytes = await this.#options.store.read(request.handle, request.offset, request.length)
      this.#checkMayServe(request) // It may have been left behind meanwhile.
      return bytes
    } catch (reason) {
      if (reason instanceof LeasefsError && (reason.code === 'CORRUPT' || reason.code === 'IO')) {
        const { damage, log } = this.#options
        // Once: what is known to be damaged may be asked for many times.
        if (damage.count(request.handle) === 0) {
          log.error({ handle: handleText(request.handle), reason: reason.message }, 'replica not read')
        }
        damage.suspect(request.handle, request.offset, request.length)
      }
      throw reason
    } finally {
      this.#underWay--
      this.#waiting.shift()?.()
    }
  }

  /**
   * Which blocks of the replica are stored. From the primary also where its
   * order stood before that.
   *
   * @throws LeasefsError as for a read
   */
  async extents(replica: Pick<ReadRequest, 'handle' | 'version'>): Promise<StoredExtents & Partial<OrderPlace>> {
    this.#checkMayServe(replica)
    const role = this.#options.replicas.get(replica.handle)?.role
    const place = role?.kind === 'primary' ? { leaseId: role.leaseId, serial: role.order.lastSerial } : {}
    const extents = await this.#options.store.extents(replica.handle)
    this.#checkMayServe(replica)
    return { ...extents, ...place }
  }

  /** What the replica holds, for another server that makes its own equal to it. @throws LeasefsError as for a read */
  async checksums(replica: Pick<ReadRequest, 'handle' | 'version'>): Promise<StoredChecksums> {
    this.#checkMayServe(replica)
    const checksums = await this.#options.store.checksums(replica.handle)
    this.#checkMayServe(replica)
    return checksums
  }

  /** Which of the blocks are damaged on the disk; they are restored in the background. @throws LeasefsError as for a read */
  async verify(
    replica: Pick<ReadRequest, 'handle' | 'version'>,
    first: number,
    end: number,
  ): Promise<{ readonly length: number; readonly damaged: readonly number[] }> {
    const { store, damage } = this.#options
    this.#checkMayServe(replica)
    const damaged = await store.verify(replica.handle, first, end)
    damage.found(replica.handle, damaged)
    this.#checkMayServe(replica)
    return { length: store.stat(replica.handle)?.length ?? 0, damaged }
  }

  #turn(): Promise<void> {
    if (this.#waiting.length >= readsWaitingMax) {
      throw new LeasefsError('UNAVAILABLE', `${readsWaitingMax} reads wait already`)
    }
    return new Promise(resolve => {
      this.#waiting.push(resolve)
    })
  }

  #checkMayServe({ handle, version }: Pick<ReadRequest, 'handle' | 'version'>): void {
    const { store, replicas, serverLease, clock } = this.#options
    serverLease.check(clock.now())
    const stored = store.stat(handle)
    // One of version 0 is being made: nobody knows of it.
    if (!stored || stored.version === 0)
      throw new LeasefsError('NOT_FOUND', `no replica of chunk ${handleText(handle)} here`)
    if (stored.version !== version) {
      const text = `chunk ${handleText(handle)} is at version ${stored.version} here, not ${version}`
      throw new LeasefsError('STALE_VERSION', text)
    }
    if (stored.doubtful)
      throw new LeasefsError('UNAVAILABLE', `the replica of ${handleText(handle)} is being looked at`)
    if (replicas.isFailed(handle)) throw new LeasefsError('UNAVAILABLE', `the replica of ${handleText(handle)} failed`)
  }
}

/** Which blocks are stored, or why we do not say. Never rejects. */
export async function answerExtents(
  reads: Pick<Reads, 'extents'>,
  { clusterId, handle, version }: ExtentsRequest,
  checkCluster: (clusterId: string) => void,
): Promise<ExtentsReply> {
  try {
    checkCluster(clusterId)
    const { blocks, length, leaseId, serial } = await reads.extents({ handle: checkHandle(handle), version })
    return { failure: undefined, blocks, length, leaseId, serial }
  } catch (reason) {
    const { failure } = failureFields(failureOf(reason))
    return { failure, blocks: Buffer.alloc(0), length: 0 }
  }
}

/** @throws LeasefsError INVALID_ARGUMENT */
function checkRequest({ handle, offset, length }: ReadRequest): void {
  const numbers = Number.isSafeInteger(handle) && Number.isSafeInteger(offset) && Number.isSafeInteger(length)
  const range = offset >= 0 && length > 0 && length <= mutationSizeMax && offset + length <= chunkSize
  if (!numbers || !range) throw new LeasefsError('INVALID_ARGUMENT', `a read of [${offset}, +${length})`)
}
