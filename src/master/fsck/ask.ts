// Questions to chunkservers about what is on their disks.

import { errorCodeOf, LeasefsError } from '../../base/errors.js'
import { chunkSize } from '../../constants.js'
import type { ControlNetwork, Method } from '../../rpc/control-network.js'
import { parseAddress } from '../../wire/address.js'
import type { Failure } from '../../wire/gen/common.js'
import type { ListReplicasReply, ReplicaVersion, VerifiedReplica } from '../../wire/gen/mutation.js'
import { ChunkserverService } from '../../wire/gen/services.js'
import type { ChunkHandle, ServerId } from '../../wire/ids.js'
import type { Room } from '../chunks/room.js'
import { listTimeoutMs, verifyTimeoutMs } from './limits.js'

export interface AskOptions {
  readonly room: Pick<Room, 'clusterId' | 'servers'>
  readonly network: Pick<ControlNetwork, 'connect'>
  readonly signal: AbortSignal
}

/** Handles whose remainder by `parts` is `part`. @throws LeasefsError what the server says, UNAVAILABLE, TIMEOUT, INVALID_ARGUMENT */
export async function listReplicas(
  options: AskOptions,
  server: ServerId,
  parts: number,
  part: number,
): Promise<ListReplicasReply> {
  const question = { clusterId: options.room.clusterId, parts, part }
  const reply = await ask(options, server, ChunkserverService.listReplicas, question, listTimeoutMs)
  refused(reply.failure)
  for (const { handle, length } of reply.replicas) {
    if (!(handle > 0) || handle % parts !== part || length > chunkSize) throw nonsense(server)
  }
  return reply
}

/** In the order of the question. @throws LeasefsError as listReplicas() */
export async function verifyReplicas(
  options: AskOptions,
  server: ServerId,
  replicas: readonly ReplicaVersion[],
  read: boolean,
): Promise<readonly VerifiedReplica[]> {
  const question = { clusterId: options.room.clusterId, replicas: [...replicas], read }
  const reply = await ask(options, server, ChunkserverService.verifyReplicas, question, verifyTimeoutMs)
  refused(reply.failure)
  if (reply.replicas.length !== replicas.length) throw nonsense(server)
  return reply.replicas
}

/** The checksum of each block, and whether it is stored, as one text a block. @throws LeasefsError as listReplicas() */
export async function blocksOf(
  options: AskOptions,
  server: ServerId,
  handle: ChunkHandle,
  version: number,
): Promise<string[]> {
  const question = { clusterId: options.room.clusterId, handle, version }
  const reply = await ask(options, server, ChunkserverService.blockChecksums, question, listTimeoutMs)
  refused(reply.failure)
  const { blocks, checksums } = reply
  return Array.from({ length: Math.floor(checksums.length / 4) }, (_, index) => {
    const stored = ((blocks[index >> 3] ?? 0) >> (index & 7)) & 1
    return `${stored} ${checksums.readUInt32LE(4 * index)}`
  })
}

async function ask<Request, Response>(
  { room, network, signal }: AskOptions,
  server: ServerId,
  method: Method<Request, Response>,
  question: Request,
  timeoutMs: number,
): Promise<Response> {
  const address = room.servers.get(server)?.address
  if (!address) throw new LeasefsError('UNAVAILABLE', `server ${server} is not there`)
  const peer = network.connect(parseAddress(address.controlAddress))
  try {
    return await peer.call(method, question, { timeoutMs, signal })
  } finally {
    peer.close()
  }
}

function refused(failure: Failure | undefined): void {
  if (failure) throw new LeasefsError(errorCodeOf(failure.code), failure.message)
}

function nonsense(server: ServerId): LeasefsError {
  return new LeasefsError('INVALID_ARGUMENT', `an answer of server ${server} makes no sense`)
}
