// Giving a chunk lease to one of a chunk's replicas.
//
// A chunk that is there already: the grant is awaited, so that the client finds
// a primary that knows. A new chunk: the words go out, secondaries first, while
// the client is being answered; the primary makes its own replica.

import assert from 'node:assert/strict'
import { LeasefsError } from '../../base/errors.js'
import type { GrantLease } from '../../wire/gen/chunkserver.js'
import type * as wire from '../../wire/gen/common.js'
import { type ChunkHandle, handleText, type ServerId } from '../../wire/ids.js'
import type { ChunkRecord } from '../chunk-table.js'
import type { Lease } from './leases.js'
import { placedChunkBytes } from './limits.js'
import { type Candidate, placeChunk } from './placement.js'
import { endLease, type Room, tell, traceLease } from './room.js'

/** As clients and chunkservers are told of it, now. */
export function leaseMessage(lease: Lease, now: number): wire.Lease {
  const { leaseId, primary, secondaries, expiresAt } = lease
  return { leaseId, primary, secondaries: [...secondaries], remainingMs: Math.max(0, Math.floor(expiresAt - now)) }
}

export function addressesOf(room: Room, servers: readonly ServerId[]): wire.ServerAddress[] {
  return servers.flatMap(id => room.servers.get(id)?.address ?? [])
}

/**
 * Which of the servers becomes the primary: the one with the fewest leases;
 * among equals the handle decides, so that neighbouring chunks spread.
 */
export function choosePrimary(
  handle: ChunkHandle,
  servers: readonly ServerId[],
  leasesOf: (server: ServerId) => number,
): ServerId {
  const sorted = [...servers].sort()
  const first = handle % sorted.length
  const turned = [...sorted.slice(first), ...sorted.slice(0, first)]
  const primary = turned.reduce((best, server) => (leasesOf(server) < leasesOf(best) ? server : best))
  assert(servers.includes(primary))
  return primary
}

/**
 * Grants the lease of a chunk all of whose replicas are there. Undefined if the
 * chosen server was not told or refused: it is then excluded, or not connected any more.
 */
export async function grantChunk(
  room: Room,
  { handle, version }: ChunkRecord,
  servers: readonly ServerId[],
  excluded: Set<ServerId>,
): Promise<Lease | undefined> {
  const primary = choosePrimary(handle, servers, id => room.leases.countHeldBy(id))
  const lease = grant(room, handle, version, primary, servers)
  try {
    await tell(room, primary, { $case: 'grant', value: grantMessage(room, lease, false) })
    return lease
  } catch (reason) {
    if (!(reason instanceof LeasefsError)) throw reason
    room.log.warn({ server: primary, handle: handleText(handle), err: reason }, 'a lease was not taken')
    // Told, but slow to answer: the lease is its own until it ends, if the server is still there.
    if (reason.code === 'TIMEOUT') return room.servers.session(primary) && lease
    endLease(room, handle, 'not taken')
    if (reason.code !== 'UNAVAILABLE') excluded.add(primary)
    if (reason.code === 'NOT_FOUND') room.replicas.remove(primary, handle)
    return undefined
  }
}

/** Servers for a new chunk, the primary first. @throws LeasefsError UNAVAILABLE, NO_SPACE */
export function placeServers(room: Room, goal: number): ServerId[] {
  const candidates: Candidate[] = []
  for (const { id, location, freeBytes, placedBytes, seenLaterMaster, health } of room.servers.all()) {
    if (seenLaterMaster || health.disk) continue
    if (room.servers.standing(id) !== 'serving' || room.serverTable.draining.has(id)) continue
    candidates.push({ id, location, freeBytes: freeBytes - placedBytes })
  }
  const chosen = placeChunk(candidates, goal, room.random)
  for (const id of chosen) room.servers.placed(id, placedChunkBytes)
  return chosen
}

/**
 * Has a new chunk's replicas made and its lease granted to the first of the
 * servers. Returns at once. If one of them has gone meanwhile there is no
 * lease: the chunk is then like any other that has lost a replica.
 */
export function grantNewChunk(room: Room, { handle, version }: ChunkRecord, servers: readonly ServerId[]): void {
  const there = servers.filter(id => room.servers.standing(id) === 'serving')
  const [primary] = servers
  assert(primary)
  room.creations.begin(handle, there)
  for (const id of there) room.replicas.put(id, handle, version)

  const whole = there.length === servers.length
  for (const id of there) {
    if (whole && id === primary) continue
    follow(room, handle, id, tell(room, id, { $case: 'create', value: { handle, version } }))
  }
  if (!whole) return
  const lease = grant(room, handle, version, primary, servers)
  follow(room, handle, primary, tell(room, primary, { $case: 'grant', value: grantMessage(room, lease, true) }))
}

function grant(room: Room, handle: ChunkHandle, version: number, primary: ServerId, servers: readonly ServerId[]) {
  const secondaries = servers.filter(id => id !== primary)
  const lease = room.leases.grant({ handle, version, primary, secondaries }, room.clock.now())
  traceLease(room, 'lease.grant', lease)
  return lease
}

function grantMessage(room: Room, lease: Lease, create: boolean): GrantLease {
  const { handle, version, secondaries } = lease
  return {
    handle,
    version,
    lease: leaseMessage(lease, room.clock.now()),
    secondaries: addressesOf(room, secondaries),
    create,
  }
}

/** Notes whether a server has made the replica that it was told to make. */
function follow(room: Room, handle: ChunkHandle, server: ServerId, made: Promise<void>): void {
  made.then(
    () => room.creations.end(handle),
    reason => {
      if (!(reason instanceof LeasefsError)) throw reason
      room.log.warn({ server, handle: handleText(handle), err: reason }, 'a new replica was not made')
      // Told, and the outcome is open: the server's next full report will show it.
      if (reason.code === 'TIMEOUT') return
      room.creations.refused(handle, server)
      room.replicas.remove(server, handle)
      if (room.leases.current(handle, room.clock.now())?.primary === server) endLease(room, handle, 'not taken')
    },
  )
}
