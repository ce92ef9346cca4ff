// The question what a replica holds: as a server asks it of another, and as it
// answers (docs/PROTOCOL.md, "Levelling").

import { errorCodeOf, LeasefsError } from '../../base/errors.js'
import { checksumBlockSize, chunkSize } from '../../constants.js'
import type { ControlNetwork } from '../../rpc/control-network.js'
import type { BlockChecksumsReply, BlockChecksumsRequest } from '../../wire/gen/mutation.js'
import { ChunkserverService } from '../../wire/gen/services.js'
import type { ChunkHandle } from '../../wire/ids.js'
import { appliedIdsMax, blockChecksumsTimeoutMs } from '../limits.js'
import type { AppliedMutation } from '../mutations/applied-mutations.js'
import { checkDataId, checkHandle } from '../mutations/checked.js'
import { failureFields, failureOf } from '../mutations/mutation-error.js'
import type { StoredChecksums } from '../store/chunk-store.js'
import type { Holding, Source } from './leveller.js'

/** @throws LeasefsError what the server says, UNAVAILABLE, TIMEOUT, INVALID_ARGUMENT (an answer that makes no sense) */
export async function askBlockChecksums(
  network: Pick<ControlNetwork, 'connect'>,
  clusterId: string,
  { control, version }: Source,
  handle: ChunkHandle,
): Promise<Holding> {
  const peer = network.connect(control)
  try {
    const question = { clusterId, handle, version }
    const reply = await peer.call(ChunkserverService.blockChecksums, question, { timeoutMs: blockChecksumsTimeoutMs })
    if (reply.failure) throw new LeasefsError(errorCodeOf(reply.failure.code), reply.failure.message)
    return checkedReply(reply)
  } finally {
    peer.close()
  }
}

/** Never rejects. */
export async function answerBlockChecksums(
  checksumsOf: (replica: { handle: ChunkHandle; version: number }) => Promise<StoredChecksums>,
  appliedOf: (handle: ChunkHandle) => readonly AppliedMutation[],
  { clusterId, handle, version }: BlockChecksumsRequest,
  checkCluster: (clusterId: string) => void,
): Promise<BlockChecksumsReply> {
  try {
    checkCluster(clusterId)
    // Before the bytes: if mutations come meanwhile, what is in this list is in the bytes, too.
    const applied = [...appliedOf(checkHandle(handle))]
    const { blocks, length, checksums } = await checksumsOf({ handle: checkHandle(handle), version })
    return { failure: undefined, blocks, length, checksums: littleEndian(checksums), applied }
  } catch (reason) {
    const { failure } = failureFields(failureOf(reason))
    return { failure, blocks: Buffer.alloc(0), length: 0, checksums: Buffer.alloc(0), applied: [] }
  }
}

/** @throws LeasefsError INVALID_ARGUMENT */
function checkedReply({ blocks, length, checksums, applied }: BlockChecksumsReply): Holding {
  const count = Math.ceil(length / checksumBlockSize)
  if (length > chunkSize || checksums.length !== 4 * count) {
    throw new LeasefsError('INVALID_ARGUMENT', `${checksums.length} bytes of checksums for ${length} bytes`)
  }
  if (applied.length > appliedIdsMax) throw new LeasefsError('INVALID_ARGUMENT', `${applied.length} mutations`)
  return {
    blocks,
    length,
    applied: applied.map(({ id, serial }) => ({ id: checkDataId(id), serial })),
    checksums: Uint32Array.from({ length: count }, (_, index) => checksums.readUInt32LE(4 * index)),
  }
}

function littleEndian(checksums: Uint32Array): Buffer {
  const bytes = Buffer.alloc(4 * checksums.length)
  for (const [index, checksum] of checksums.entries()) bytes.writeUInt32LE(checksum, 4 * index)
  return bytes
}
