// Replicas of one chunk, given the same bytes: one of them is the source, and
// the others get from it what differs. Which one: all hold what was
// acknowledged, but one that comes back from a crash may have lost some of it,
// so one that has not crashed; of those, the one that was there longest.

import assert from 'node:assert/strict'
import { LeasefsError } from '../../base/errors.js'
import type { LevelReplica } from '../../wire/gen/chunkserver.js'
import { handleText, type ServerId } from '../../wire/ids.js'
import type { ChunkRecord } from '../chunk-table.js'
import { mendReplica } from './mend-replica.js'
import type { ReplicaAt } from './replicas.js'
import { type Room, tell } from './room.js'

/**
 * Makes the servers' replicas, all of them of the record's version, hold the
 * same, and the joiners' too, whatever their version. Nobody orders mutations
 * meanwhile. Returns the servers that did not do their part: the source, if it
 * can't be read.
 */
export async function makeLevel(
  room: Room,
  { handle, version }: ChunkRecord,
  servers: readonly ServerId[],
  joiners: readonly ReplicaAt[],
): Promise<ServerId[]> {
  const source = chooseSource(room, { handle }, servers)
  const trusted = await levelOne(room, { handle }, { server: source, version })
  if (trusted) return [source]

  const address = room.servers.get(source)?.address
  const others = [...servers.filter(id => id !== source).map(server => ({ server, version })), ...joiners]
  const from = { source: address, sourceVersion: version }
  const levelAll = () => Promise.all(others.map(other => levelOne(room, { handle }, other, from)))
  // What is at fault is the source, says who could read all but that: perhaps another has what it lacks.
  const isDamaged = (reasons: readonly (LeasefsError | undefined)[]) => reasons.some(one => one?.code === 'CORRUPT')
  let outcomes = await levelAll()
  if (isDamaged(outcomes) && (await isMended(room, { handle, version }, source))) outcomes = await levelAll()
  if (isDamaged(outcomes)) return [source]
  return others.filter((_, index) => outcomes[index]).map(({ server }) => server)
}

async function isMended(room: Room, record: Pick<ChunkRecord, 'handle' | 'version'>, source: ServerId) {
  try {
    await mendReplica(room, record, source)
    return true
  } catch (reason) {
    if (!(reason instanceof LeasefsError)) throw reason
    room.log.warn({ source, handle: handleText(record.handle), err: reason }, 'a damaged source was not restored')
    return false
  }
}

/** One that is not in doubt, if there is one; then one without damage; the one that has been registered longest. */
export function chooseSource(
  { servers, doubts, damages }: Pick<Room, 'servers' | 'doubts' | 'damages'>,
  { handle }: Pick<ChunkRecord, 'handle'>,
  candidates: readonly ServerId[],
): ServerId {
  const rank = (id: ServerId) => {
    const state = servers.get(id)?.state
    const since = state?.kind === 'connected' ? state.since : Infinity
    return { doubtful: doubts.concerns(handle, id), damaged: damages.concerns(handle, id), since, id }
  }
  const ranked = candidates.map(rank).sort((a, b) => {
    const soundness = Number(a.doubtful) - Number(b.doubtful) || Number(a.damaged) - Number(b.damaged)
    return soundness || a.since - b.since || (a.id < b.id ? -1 : 1)
  })
  assert(ranked[0])
  return ranked[0].id
}

/** Undefined if the server's replica is level now; else why not. Without a source: it is the source. */
async function levelOne(
  room: Room,
  { handle }: Pick<ChunkRecord, 'handle'>,
  { server, version }: ReplicaAt,
  from: Pick<LevelReplica, 'source' | 'sourceVersion'> = { source: undefined, sourceVersion: 0 },
): Promise<LeasefsError | undefined> {
  try {
    await tell(room, server, { $case: 'level', value: { handle, version, ...from } })
    return undefined
  } catch (reason) {
    if (!(reason instanceof LeasefsError)) throw reason
    room.log.warn({ server, handle: handleText(handle), err: reason }, 'a replica was not made level')
    return reason
  }
}
