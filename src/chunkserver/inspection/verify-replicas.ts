// What replicas hold, in short, and whether it can be read: the master compares
// the answers of all who have a chunk. No byte of a file goes there.

import { createHash } from 'node:crypto'
import { LeasefsError } from '../../base/errors.js'
import { checksumBlockSize } from '../../constants.js'
import type {
  ReplicaVersion,
  VerifiedReplica,
  VerifyReplicasReply,
  VerifyReplicasRequest,
} from '../../wire/gen/mutation.js'
import type { ChunkHandle } from '../../wire/ids.js'
import { badBlocksNamedMax, verifiedAtOnceMax, verifyReplicasMax } from '../limits.js'
import { checkHandle } from '../mutations/checked.js'
import { failureFields, failureOf } from '../mutations/mutation-error.js'
import type { Reads } from '../reads.js'
import type { Replicas } from '../replicas.js'
import { type StoredChecksums, verifyBlocksMax } from '../store/chunk-store.js'

export interface VerifyOptions {
  readonly replicas: Pick<Replicas, 'known'>
  readonly reads: Pick<Reads, 'checksums' | 'verify'>
  readonly checkCluster: (clusterId: string) => void
}

export class Verification {
  readonly #options: VerifyOptions
  #underWay = 0

  constructor(options: VerifyOptions) {
    this.#options = options
  }

  /** Never rejects. Stops between two reads when the asker has gone. */
  async answer(request: VerifyReplicasRequest, signal: AbortSignal): Promise<VerifyReplicasReply> {
    if (this.#underWay >= verifiedAtOnceMax) {
      return failed(new LeasefsError('UNAVAILABLE', `${verifiedAtOnceMax} questions of this kind are under way`))
    }
    this.#underWay++
    try {
      this.#options.checkCluster(request.clusterId)
      if (request.replicas.length > verifyReplicasMax) {
        throw new LeasefsError('INVALID_ARGUMENT', `${request.replicas.length} replicas at once`)
      }
      const replicas: VerifiedReplica[] = []
      for (const replica of request.replicas) replicas.push(await this.#verify(replica, request.read, signal))
      return { failure: undefined, replicas }
    } catch (reason) {
      return failed(failureOf(reason))
    } finally {
      this.#underWay--
    }
  }

  async #verify({ handle, version }: ReplicaVersion, read: boolean, signal: AbortSignal): Promise<VerifiedReplica> {
    try {
      const replica = { handle: checkHandle(handle), version }
      let { length } = await this.#options.reads.checksums(replica)
      const badBlocks = read ? await this.#badBlocks(replica, length, signal) : []
      const underWay = this.#isUnderWay(replica.handle)
      const held = await this.#options.reads.checksums(replica)
      length = held.length
      return {
        failure: undefined,
        length,
        digest: digestOf(held),
        underWay: underWay || this.#isUnderWay(replica.handle),
        badBlocks,
      }
    } catch (reason) {
      const { failure } = failureFields(failureOf(reason))
      return { failure, length: 0, digest: Buffer.alloc(0), underWay: false, badBlocks: [] }
    }
  }

  /** The first of them. What is damaged is restored in the background. */
  async #badBlocks(
    replica: { handle: ChunkHandle; version: number },
    length: number,
    signal: AbortSignal,
  ): Promise<number[]> {
    const bad: number[] = []
    const count = Math.ceil(length / checksumBlockSize)
    for (let first = 0; first < count && bad.length < badBlocksNamedMax; first += verifyBlocksMax) {
      if (signal.aborted) throw new LeasefsError('CANCELLED', 'nobody waits for this any more')
      const { damaged } = await this.#options.reads.verify(replica, first, Math.min(count, first + verifyBlocksMax))
      bad.push(...damaged)
    }
    return bad.slice(0, badBlocksNamedMax)
  }

  #isUnderWay(handle: ChunkHandle): boolean {
    const role = this.#options.replicas.known(handle)?.role
    if (!role || role.kind === 'failed') return false
    return !role.queue.isIdle || (role.kind === 'primary' && !role.order.isIdle)
  }
}

/** The same for replicas that hold the same: see VerifiedReplica. */
export function digestOf({ length, blocks, checksums }: StoredChecksums): Buffer {
  const count = Math.ceil(length / checksumBlockSize)
  const map = Buffer.alloc(Math.ceil(count / 8))
  map.set(blocks.subarray(0, map.length))
  if (count % 8 !== 0) map[map.length - 1] = (map.at(-1) ?? 0) & ((1 << (count % 8)) - 1)
  const head = Buffer.alloc(4)
  head.writeUInt32LE(length)
  const sums = Buffer.alloc(4 * count)
  for (let index = 0; index < count; index++) sums.writeUInt32LE(checksums[index] ?? 0, 4 * index)
  return createHash('sha256').update(head).update(map).update(sums).digest()
}

function failed(reason: LeasefsError): VerifyReplicasReply {
  return { failure: failureFields(reason).failure, replicas: [] }
}
