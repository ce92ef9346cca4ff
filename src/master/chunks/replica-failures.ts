// A secondary did not apply a mutation, says the primary. The version is
// raised for the set without it, the primary keeps its lease, and the mutation
// completes with those that are left.
//
// Before the primary is answered the replicas left behind serve nobody any
// more, so no acknowledged write can be followed by a stale read.

import { LeasefsError } from '../../base/errors.js'
import type { ReplicasFailed } from '../../wire/gen/chunkserver.js'
import { type ChunkHandle, handleText, type ServerId } from '../../wire/ids.js'
import type { ChunkRecord } from '../chunk-table.js'
import type { Lease } from './leases.js'
import { grantRoundsMax } from './limits.js'
import { leaveBehind, raiseVersion } from './raise.js'
import type { ReplicaAt } from './replicas.js'
import { chunkOf, type Room } from './room.js'

/**
 * Resolves to the lease as it is from now on.
 *
 * @throws LeasefsError NOT_PRIMARY (the reporter holds no such lease), UNAVAILABLE (the primary itself is out of reach),
 *   NO_SPACE, IO (the journal)
 */
export async function replicasFailed(room: Room, primary: ServerId, failure: ReplicasFailed): Promise<Lease> {
  const handle = failure.handle as ChunkHandle
  return await room.turns.take(handle, async () => {
    const lease = heldLease(room, primary, failure)
    const record = chunkOf(room, handle)
    const failed = new Set(lease.secondaries.filter(id => failure.serverIds.includes(id)))
    // Asked again after the answer was lost: it has been done.
    if (failed.size === 0 && record.settledVersion === record.version) return lease
    room.log.warn({ handle: handleText(handle), servers: [...failed], code: failure.code }, 'replicas did not apply')

    const raised = await raiseWithout(room, record, lease, failed)
    const { leaseId } = heldLease(room, primary, failure)
    const secondaries = lease.secondaries.filter(id => !failed.has(id))
    const changed = room.leases.change(handle, leaseId, raised.version, secondaries)
    room.doubts.leftBehind(handle, failed)
    await leaveBehind(room, raised, failed)
    return changed
  })
}

/** Raises the version for the lease's servers, less those that fail; whoever does not take it joins `failed`. */
async function raiseWithout(
  room: Room,
  before: ChunkRecord,
  lease: Lease,
  failed: Set<ServerId>,
): Promise<ChunkRecord> {
  let record = before
  for (let round = 0; round < grantRoundsMax; round++) {
    const members = membersOf(room, lease, failed)
    if (failed.has(lease.primary)) break
    checkEnough(room, record, members)
    const outcome = await raiseVersion(room, record, members, { areLevel: true })
    if (outcome.failed.length === 0) return outcome.record
    record = outcome.record
    for (const server of outcome.failed) failed.add(server)
  }
  throw new LeasefsError('UNAVAILABLE', `the primary of chunk ${handleText(lease.handle)} is out of reach`)
}

/** @throws LeasefsError UNAVAILABLE: the mutation must not complete with so few; repair makes another replica */
function checkEnough(room: Room, { handle, goal }: ChunkRecord, members: readonly ReplicaAt[]): void {
  const wanted = Math.min(room.minReplicas, goal)
  if (members.length >= wanted) return
  throw new LeasefsError('UNAVAILABLE', `chunk ${handleText(handle)} has ${members.length} replicas left of ${wanted}`)
}

/** Those of the lease that are there. The others cannot be told, so they join `failed`. */
function membersOf(room: Room, lease: Lease, failed: Set<ServerId>): ReplicaAt[] {
  const members: ReplicaAt[] = []
  for (const server of [lease.primary, ...lease.secondaries]) {
    if (failed.has(server)) continue
    const version = room.replicas.versionAt(server, lease.handle)
    if (version > 0 && room.servers.session(server)) members.push({ server, version })
    else failed.add(server)
  }
  return members
}

function heldLease(room: Room, primary: ServerId, { handle, leaseId }: ReplicasFailed): Lease {
  const lease = room.leases.current(handle as ChunkHandle, room.clock.now())
  if (lease?.leaseId === leaseId && lease.primary === primary) return lease
  throw new LeasefsError(
    'NOT_PRIMARY',
    `server ${primary} does not hold lease ${leaseId} of chunk ${handleText(handle)}`,
  )
}
