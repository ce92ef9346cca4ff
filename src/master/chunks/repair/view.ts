// The chunk room as repair sees it: chunks with their replicas, and servers
// that take new ones.

import type { ServerId } from '../../../wire/ids.js'
import type { ChunkRecord } from '../../chunk-table.js'
import { isGood } from '../lease-plan.js'
import type { Candidate } from '../placement.js'
import type { Room } from '../room.js'
import { chunkBytesMin, targetReserveBytes } from './limits.js'
import type { ChunkView, Holder } from './need.js'

export function viewOf(room: Room, record: ChunkRecord): ChunkView {
  const { replicas, absences, clock } = room
  const holders: Holder[] = []
  for (const { server, version } of replicas.of(record.handle)) {
    const holder = holderOf(room, server, version)
    if (holder) holders.push(holder)
  }
  const expected = replicas.awayOf(record.handle).filter(id => absences.expectedUntil(id, clock.now()) !== undefined)
  return { record, holders, expected: expected.length }
}

function holderOf({ servers, serverTable }: Room, server: ServerId, version: number): Holder | undefined {
  const known = servers.get(server)
  if (!known) return undefined
  const { location, freeBytes } = known
  const standing = servers.standing(server)
  return { server, version, standing, draining: serverTable.draining.has(server), location, freeBytes }
}

export function isGoodHolder(record: ChunkRecord, { version, standing }: Holder): boolean {
  return isGood(record, version) && standing === 'serving'
}

/** Servers that take replicas: there, not being emptied, and with room to spare. */
export function takersOf(room: Room): Candidate[] {
  return [...takers(room)]
}

/** Whether a server other than this one takes replicas. */
export function hasRoomElsewhere(room: Room, server: ServerId): boolean {
  for (const { id } of takers(room)) if (id !== server) return true
  return false
}

function* takers({ servers, serverTable }: Room): Iterable<Candidate> {
  for (const { id, location, freeBytes, placedBytes, seenLaterMaster, health } of servers.all()) {
    if (seenLaterMaster || health.disk) continue
    if (servers.standing(id) !== 'serving' || serverTable.draining.has(id)) continue
    if (freeBytes - placedBytes >= targetReserveBytes) yield { id, location, freeBytes: freeBytes - placedBytes }
  }
}

/** About how many bytes a replica of the chunk has. */
export function bytesOf({ allocatedBytes }: ChunkRecord): number {
  return Math.max(allocatedBytes, chunkBytesMin)
}

/** Whether its file has no name any more. */
export function isDeleted({ namespace }: Room, { ino }: ChunkRecord): boolean {
  return namespace.isDeleted(ino)
}
