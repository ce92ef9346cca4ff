// What a chunkserver says, checked: from here inwards ids are well formed and
// numbers are in range, and the same facts are asserted.

import { LeasefsError } from '../../base/errors.js'
import { chunkSize, formatVersion, goalMax } from '../../constants.js'
import { parseAddress } from '../../wire/address.js'
import type { Heartbeat, Register, Replica, ReplicasFailed } from '../../wire/gen/chunkserver.js'
import type { ChunkHandle, ClusterId, ServerId } from '../../wire/ids.js'
import { parseLocation } from '../../wire/location.js'
import type { Registration } from './servers.js'

const idPattern = /^[A-Za-z0-9._-]{1,64}$/

/** Versions are kept in 32 bits. */
const versionMax = 2 ** 32 - 1

/** @throws LeasefsError WRONG_CLUSTER, NEWER_FORMAT, INVALID_ARGUMENT */
export function checkRegister(register: Register, clusterId: ClusterId): Omit<Registration, 'seenLaterMaster'> {
  const { server, incarnation } = register
  if (register.formatVersion !== formatVersion) {
    const message = `the chunkserver speaks format ${register.formatVersion}, this master ${formatVersion}`
    throw new LeasefsError('NEWER_FORMAT', message)
  }
  if (register.clusterId !== '' && register.clusterId !== clusterId) {
    throw new LeasefsError('WRONG_CLUSTER', `the chunkserver is of cluster ${register.clusterId}, this is ${clusterId}`)
  }
  if (!server) throw new LeasefsError('INVALID_ARGUMENT', 'the chunkserver does not say who it is')
  const id = checkServerId(server.serverId)
  if (!idPattern.test(incarnation)) throw new LeasefsError('INVALID_ARGUMENT', `bad incarnation of server ${id}`)
  for (const text of [server.controlAddress, server.dataAddress]) {
    if (parseAddress(text).port === 0)
      throw new LeasefsError('INVALID_ARGUMENT', `bad address "${text}" of server ${id}`)
  }
  return { id, incarnation, address: server, location: parseLocation(server.location), ...checkSpace(register) }
}

/** @throws LeasefsError INVALID_ARGUMENT */
export function checkSpace({ totalBytes, freeBytes }: Heartbeat | Register): { totalBytes: number; freeBytes: number } {
  if (freeBytes > totalBytes) throw new LeasefsError('INVALID_ARGUMENT', `${freeBytes} bytes free of ${totalBytes}`)
  return { totalBytes, freeBytes }
}

/** A replica as a server reports it. Version 0 says that it is not there any more. @throws LeasefsError INVALID_ARGUMENT */
export function checkReplica(replica: Replica): { handle: ChunkHandle; version: number } {
  const { version, length } = replica
  if (version > versionMax) throw new LeasefsError('INVALID_ARGUMENT', `no chunk has version ${version}`)
  if (length > chunkSize) throw new LeasefsError('INVALID_ARGUMENT', `no replica has ${length} bytes`)
  if (replica.secondaries.length >= goalMax) throw new LeasefsError('INVALID_ARGUMENT', 'too many secondaries')
  return { handle: checkHandle(replica.handle), version }
}

/** @throws LeasefsError INVALID_ARGUMENT */
export function checkReplicasFailed(failure: ReplicasFailed): ReplicasFailed {
  checkHandle(failure.handle)
  if (failure.serverIds.length >= goalMax) throw new LeasefsError('INVALID_ARGUMENT', 'too many failed replicas')
  failure.serverIds.forEach(checkServerId)
  return failure
}

/** Generated decoders have seen to it that it is an integer below 2^53. @throws LeasefsError INVALID_ARGUMENT */
export function checkHandle(handle: number): ChunkHandle {
  if (!(handle > 0)) throw new LeasefsError('INVALID_ARGUMENT', `no chunk has handle ${handle}`)
  return handle as ChunkHandle
}

/** @throws LeasefsError INVALID_ARGUMENT */
export function checkServerId(text: string): ServerId {
  if (!idPattern.test(text))
    throw new LeasefsError('INVALID_ARGUMENT', `bad server id ${JSON.stringify(text.slice(0, 80))}`)
  return text as ServerId
}
