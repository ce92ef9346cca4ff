// A new version for a set of replicas: journaled first, then told to each of
// them, which make it durable, and only then used (GFS section 4.5). Whoever
// is not of the set is stale from then on.
//
// A version is used once it is settled in the journal. Between the raise and
// that, replicas of the old and of the new version are equally good: a crash
// at any point leaves replicas from which the next raise goes on.
//
// In between, too, the replicas are made level: survivors of a dead primary may
// differ in mutations that were never acknowledged, and one that comes back
// from a crash may lack some that were. The raise has ended the old primary's
// power, and the settling lets a new one begin.

import assert from 'node:assert/strict'
import { LeasefsError } from '../../base/errors.js'
import type { ServerId } from '../../wire/ids.js'
import { handleText } from '../../wire/ids.js'
import type { ChunkRecord } from '../chunk-table.js'
import { locateWaitMs, watchMs } from './limits.js'
import { makeLevel } from './make-level.js'
import type { ReplicaAt } from './replicas.js'
import { type Room, tell } from './room.js'

export interface RaiseOptions {
  /** The replicas are level already: their primary has kept its lease, and nothing is under way. */
  readonly areLevel?: boolean
  /**
   * Replicas that are to count from the new version on, and do not yet: whatever their version, 0 included, they
   * get the bytes of the others, and only then the version.
   */
  readonly joiners?: readonly ReplicaAt[]
}

/**
 * Raises the chunk's version for exactly these replicas, makes them level, and
 * settles it, or says which of them did not do their part: the caller then
 * tries again without them.
 *
 * Holds the chunk's turn, and no lease is in force that is not the caller's.
 *
 * @throws LeasefsError UNAVAILABLE (dropped meanwhile), NO_SPACE, IO
 */
export async function raiseVersion(
  room: Room,
  record: ChunkRecord,
  members: readonly ReplicaAt[],
  { areLevel = false, joiners = [] }: RaiseOptions = {},
): Promise<{ readonly record: ChunkRecord; readonly failed: readonly ServerId[] }> {
  assert(members.length > 0)
  assert(!areLevel || joiners.length === 0)
  const raised = await whileThere(room.table.raise(record.handle, record.version, members.length + joiners.length))
  assert(raised.version === record.version + 1)
  traceRaise(
    room,
    record,
    raised,
    [...members, ...joiners].map(({ server }) => server),
  )

  let failed = await raiseAll(room, raised, members)
  if (failed.length === 0 && !areLevel) {
    const servers = members.map(({ server }) => server)
    failed = await makeLevel(room, raised, servers, joiners)
  }
  if (failed.length === 0) failed = await raiseAll(room, raised, joiners)
  if (failed.length > 0) return { record: raised, failed }
  const settled = await whileThere(room.table.settle(raised.handle, raised.version))
  if (!areLevel) room.doubts.resolved(raised.handle)
  return { record: settled, failed }
}

/** Raises the version of a chunk of which no replica was ever made, for replicas that are about to be. */
export async function raiseUnmade(room: Room, record: ChunkRecord, servers: readonly ServerId[]): Promise<ChunkRecord> {
  const raised = await whileThere(room.table.raise(record.handle, record.version, servers.length, servers))
  traceRaise(room, record, raised, servers)
  room.doubts.resolved(record.handle)
  return await whileThere(room.table.settle(raised.handle, raised.version))
}

/** Those that did not take it. */
async function raiseAll(room: Room, raised: ChunkRecord, members: readonly ReplicaAt[]): Promise<ServerId[]> {
  const outcomes = await Promise.all(members.map(member => raiseOne(room, raised, member)))
  return members.filter((_, index) => !outcomes[index]).map(({ server }) => server)
}

/** True if the server has made the version durable in its replica. */
async function raiseOne(room: Room, { handle, version }: ChunkRecord, { server, version: from }: ReplicaAt) {
  try {
    await tell(room, server, { $case: 'raise', value: { handle, fromVersion: from, toVersion: version } })
    room.replicas.put(server, handle, version)
    return true
  } catch (reason) {
    if (!(reason instanceof LeasefsError)) throw reason
    room.log.warn({ server, handle: handleText(handle), version, err: reason }, 'a replica did not take its version')
    if (reason.code === 'NOT_FOUND') room.replicas.remove(server, handle)
    return false
  }
}

/**
 * Makes sure that replicas which were left behind by a raise serve nobody any
 * more: clients forget where they are, and each server has deleted its replica,
 * or is gone, or has had its chance to.
 */
export async function leaveBehind(room: Room, record: ChunkRecord, left: Iterable<ServerId>): Promise<void> {
  await Promise.all([room.namespace.invalidate(record.ino), ...[...left].map(server => cutOff(room, record, server))])
}

async function cutOff(room: Room, record: ChunkRecord, server: ServerId): Promise<void> {
  const { handle, settledVersion } = record
  const deadline = room.clock.now() + locateWaitMs
  const waits = () => room.servers.standing(server) === 'silent' && room.clock.now() < deadline
  while (waits() && !room.closing.aborted) await room.changes.next(watchMs)
  if (!room.servers.session(server)) return
  try {
    await tell(room, server, { $case: 'delete', value: { handle, version: settledVersion - 1 } })
    room.replicas.remove(server, handle)
  } catch (reason) {
    if (!(reason instanceof LeasefsError)) throw reason
    // Nobody asks for its version any more, and it is collected with the other stale ones.
    room.log.warn({ server, handle: handleText(handle), err: reason }, 'a replica left behind was not deleted')
  }
}

/** @throws LeasefsError UNAVAILABLE instead of NOT_FOUND: the chunk was dropped, and the asker will see that when it asks again */
async function whileThere(change: Promise<ChunkRecord>): Promise<ChunkRecord> {
  try {
    return await change
  } catch (reason) {
    if (!(reason instanceof LeasefsError) || reason.code !== 'NOT_FOUND') throw reason
    throw new LeasefsError('UNAVAILABLE', reason.message, { cause: reason })
  }
}

function traceRaise(room: Room, before: ChunkRecord, raised: ChunkRecord, servers: readonly ServerId[]): void {
  room.trace?.('version.raise', {
    handle: handleText(raised.handle),
    version: raised.version,
    fromVersion: before.version,
    servers,
  })
}
