// One replica made on another server, while clients write to the chunk.
//
// (1) The target pulls the bytes of a good replica into one of version 0, which
// nobody is told of. Mutations go on meanwhile, and what they change is missing
// in it. (2) In the chunk's turn: the lease is revoked, the version raised for
// the replicas that stay and the new one, which is made level by that, and the
// next write gets a new lease. Writes wait for (2) only: what changed during
// (1) is little.
//
// Whatever fails, the half-made replica is removed; the others are what they were.

import assert from 'node:assert/strict'
import { LeasefsError } from '../../../base/errors.js'
import { type ChunkHandle, handleText, type ServerId } from '../../../wire/ids.js'
import type { ChunkRecord } from '../../chunk-table.js'
import { grantRoundsMax } from '../limits.js'
import { leaveBehind, raiseVersion } from '../raise.js'
import type { ReplicaAt } from '../replicas.js'
import { chunkOf, endLease, isIncomplete, type Room, tell } from '../room.js'
import { needOf } from './need.js'
import { isGoodHolder, viewOf } from './view.js'

export interface Move {
  readonly handle: ChunkHandle
  readonly source: ServerId
  readonly target: ServerId
  /** The replica that goes when the new one is there, though the chunk needs no copy: to even out use. */
  readonly instead?: ServerId
  readonly bytesPerSecond: number
}

/** @throws LeasefsError: the chunk is as it was, or is not needed any more (CHANGED) */
export async function moveReplica(room: Room, move: Move): Promise<void> {
  const { handle, target } = move
  const stale = room.replicas.versionAt(target, handle)
  try {
    await copyBytes(room, move)
    await room.turns.take(handle, () => join(room, move))
  } catch (reason) {
    const discarded = await discard(room, handle, target)
    // Then it may still be what it was before: the collector looks at it again.
    const isThere = room.servers.session(target) && room.replicas.versionAt(target, handle) === 0
    if (!discarded && stale > 0 && isThere) room.replicas.put(target, handle, stale)
    throw reason
  }
}

/** Takes the surplus replica out of the chunk's set, and has it deleted. False if it is not surplus any more. */
export async function shrink(room: Room, handle: ChunkHandle, victim: ServerId): Promise<boolean> {
  return await room.turns.take(handle, async () => {
    const record = chunkOf(room, handle)
    const view = viewOf(room, record)
    const need = needOf(view)
    if (need.kind !== 'surplus' || need.victim !== victim || isIncomplete(room)) return false
    const members = view.holders.filter(holder => isGoodHolder(record, holder) && holder.server !== victim)
    assert(members.length >= record.goal)
    await retireLease(room, record)
    await changeSet(room, record, members, [], [victim])
    return true
  })
}

async function copyBytes(room: Room, { handle, source, target, bytesPerSecond }: Move): Promise<void> {
  const { version } = chunkOf(room, handle)
  const from = room.servers.get(source)?.address
  if (!from || room.replicas.versionAt(source, handle) !== version) throw changed(handle)
  // What missed a version and lies there is used up, and no longer there as such.
  room.replicas.remove(target, handle)
  await tell(room, target, { $case: 'copy', value: { handle, version, source: from, bytesPerSecond } })
}

/** Holds the chunk's turn. */
async function join(room: Room, { handle, target, instead }: Move): Promise<void> {
  const record = chunkOf(room, handle)
  const view = viewOf(room, record)
  const need = needOf(view)
  const members = view.holders.filter(holder => isGoodHolder(record, holder) && holder.server !== target)
  const leaving = leavingOf(need, members, instead)
  if (leaving === undefined || isIncomplete(room) || room.replicas.versionAt(target, handle) > 0) throw changed(handle)
  await retireLease(room, record)
  const staying = members.filter(({ server }) => !leaving.includes(server))
  // Those that leave take part in the first raise too if nobody else would: the new one is made equal to a member.
  const first = staying.length > 0 ? staying : members
  const joined = await changeSet(room, record, first, [{ server: target, version: 0 }], leaving)
  if (!joined.includes(target))
    throw new LeasefsError('REPLICA_FAILED', `server ${target} did not join ${handleText(handle)}`)
  if (staying.length > 0 || leaving.length === 0) return
  await changeSet(
    room,
    chunkOf(room, handle),
    [{ server: target, version: chunkOf(room, handle).version }],
    [],
    leaving,
  )
}

/** Which replicas the new one replaces; undefined if it is not wanted any more. */
function leavingOf(need: ReturnType<typeof needOf>, members: readonly ReplicaAt[], instead?: ServerId) {
  if (need.kind === 'copy') return []
  if (need.kind === 'move') return [need.from]
  const stillThere = instead !== undefined && members.some(({ server }) => server === instead)
  return need.kind === 'none' && stillThere ? [instead] : undefined
}

/** Nobody orders mutations of the chunk once it has resolved. */
export async function retireLease(room: Room, { handle }: ChunkRecord): Promise<void> {
  const lease = room.leases.current(handle, room.clock.now())
  if (!lease) return
  await tell(room, lease.primary, { $case: 'revoke', value: { handle, leaseId: lease.leaseId } })
  endLease(room, handle, 'its replicas change')
}

/**
 * The chunk's replicas are these members and joiners from now on, less those
 * that do not do their part; clients forget the others, which are deleted.
 * Returns the servers of the set.
 *
 * @throws LeasefsError UNAVAILABLE: no member is left; whoever asks for a lease next carries on from there
 */
async function changeSet(
  room: Room,
  before: ChunkRecord,
  membersBefore: readonly ReplicaAt[],
  joinersBefore: readonly ReplicaAt[],
  leaving: readonly ServerId[],
): Promise<readonly ServerId[]> {
  const left = new Set(leaving)
  let record = before
  let members = membersBefore.map(({ server, version }) => ({ server, version }))
  let joiners = joinersBefore
  for (let round = 0; round < grantRoundsMax && members.length > 0; round++) {
    const outcome = await raiseVersion(room, record, members, { joiners })
    record = outcome.record
    if (outcome.failed.length === 0) {
      const servers = [...members, ...joiners].map(({ server }) => server)
      for (const server of servers) left.delete(server)
      if (left.size > 0) await leaveBehind(room, record, left)
      else room.namespace.invalidate(record.ino)
      return servers
    }
    for (const server of outcome.failed) left.add(server)
    const handle = record.handle
    members = members
      .filter(({ server }) => !left.has(server))
      .map(({ server }) => ({ server, version: room.replicas.versionAt(server, handle) }))
      .filter(({ version }) => version > 0)
    joiners = joiners.filter(({ server }) => !left.has(server))
  }
  throw new LeasefsError('UNAVAILABLE', `no replica of chunk ${handleText(before.handle)} took its version`)
}

/** A replica of version 0 is in nobody's way; what can't be removed now goes when its server starts or registers again. */
async function discard(room: Room, handle: ChunkHandle, target: ServerId): Promise<boolean> {
  try {
    await tell(room, target, { $case: 'delete', value: { handle, version: 0 } })
    return true
  } catch (reason) {
    if (!(reason instanceof LeasefsError)) throw reason
    room.log.debug({ server: target, handle: handleText(handle), err: reason }, 'a half-made replica was not removed')
    return false
  }
}

function changed(handle: ChunkHandle): LeasefsError {
  return new LeasefsError('CHANGED', `the replicas of chunk ${handleText(handle)} have changed`)
}
