// Where the chunks of files are, as the master said: the replicas, nearest
// first, and who holds the lease. Cached until the master takes it back, until
// a server proves it wrong, or (for writing) until the lease may have ended.

import { LeasefsError } from '../base/errors.js'
import type { Trace } from '../base/trace.js'
import { chunkIndexMax, goalMax } from '../constants.js'
import { type Address, parseAddress } from '../wire/address.js'
import type { ChunkLocation } from '../wire/gen/client.js'
import type { Lease, ServerAddress } from '../wire/gen/common.js'
import { type ChunkHandle, handleText, type ServerId } from '../wire/ids.js'
import { type Location, parseLocation } from '../wire/location.js'
import { orderChain } from './chain.js'
import { leaseMarginMs } from './limits.js'

/** A chunkserver that holds a replica. */
export interface ReplicaServer {
  readonly serverId: ServerId
  readonly control: Address
  readonly data: Address
  readonly location: Location
}

export interface LocatedChunk {
  readonly index: number
  /** Undefined: a hole, which reads as zeros. */
  readonly chunk: PresentChunk | undefined
}

export interface PresentChunk {
  readonly handle: ChunkHandle
  readonly version: number
  /** The nearest first: the order for reading. */
  readonly replicas: readonly ReplicaServer[]
  readonly lease: HeldLease | undefined
}

export interface HeldLease {
  readonly primary: ReplicaServer
  /** The primary and its secondaries, in the order of the push chain. */
  readonly chain: readonly ReplicaServer[]
  /** By our clock. The primary may have had it extended since. */
  readonly endsAt: number
}

/**
 * What the master said, checked. `now` is when it was asked: its times count from then.
 *
 * @throws LeasefsError INTERNAL: malformed
 */
export function locatedChunkFromWire(wire: ChunkLocation, from: Location | undefined, now: number): LocatedChunk {
  const { index, handle, version, replicas: servers, lease } = wire
  if (index > chunkIndexMax) throw malformed(wire)
  if (handle === 0) return { index, chunk: undefined }
  if (version < 1 || servers.length > goalMax) throw malformed(wire)
  const replicas = orderChain(from, servers.map(replicaServer), handle)
  return { index, chunk: { handle: handle as ChunkHandle, version, replicas, lease: heldBy(lease, replicas, now) } }
}

function replicaServer({ serverId, controlAddress, dataAddress, location }: ServerAddress): ReplicaServer {
  try {
    return {
      serverId: serverId as ServerId,
      control: parseAddress(controlAddress),
      data: parseAddress(dataAddress),
      location: parseLocation(location),
    }
  } catch (cause) {
    throw new LeasefsError('INTERNAL', `the master sent a malformed address of server ${serverId}`, { cause })
  }
}

/** A lease whose holder is not among the replicas is of no use: we could not reach it. */
function heldBy(lease: Lease | undefined, replicas: readonly ReplicaServer[], now: number): HeldLease | undefined {
  const primary = lease && replicas.find(({ serverId }) => serverId === lease.primary)
  if (!primary) return undefined
  const chain = replicas.filter(({ serverId }) => serverId === lease.primary || lease.secondaries.includes(serverId))
  return { primary, chain, endsAt: now + lease.remainingMs }
}

function malformed({ index, handle }: ChunkLocation): LeasefsError {
  return new LeasefsError('INTERNAL', `the master sent a malformed location of chunk ${index} (${handleText(handle)})`)
}

/** Whether the chunk can be written by what we know of it at `now`. */
export function mayWrite({ chunk }: LocatedChunk, now: number): boolean {
  return chunk?.lease !== undefined && now < chunk.lease.endsAt - leaseMarginMs
}

/** `locate.reply`, in the words of docs/PROTOCOL.md. */
export function traceLocated(trace: Trace, { index, chunk }: LocatedChunk): void {
  trace('locate.reply', {
    index,
    ...(chunk && {
      handle: handleText(chunk.handle),
      version: chunk.version,
      replicas: chunk.replicas.map(({ serverId }) => serverId),
      primary: chunk.lease?.primary.serverId,
    }),
  })
}
