// What `leasefs status` and `leasefs locate` are told.

import { setImmediate as breathe } from 'node:timers/promises'
import { LeasefsError } from '../../base/errors.js'
import { chunkIndexMax } from '../../constants.js'
import type {
  DamagedChunk,
  LocatedChunk,
  LocateReply,
  LocateRequest,
  ServerStatus,
  StatusReply,
} from '../../wire/gen/admin.js'
import type { Attributes } from '../../wire/gen/common.js'
import type { Ino } from '../../wire/ids.js'
import type { ChunkRecord } from '../chunk-table.js'
import { leaseMessage } from './grant.js'
import { adminLocateCountMax, damagedListMax, statusSliceChunks } from './limits.js'
import type { Room } from './room.js'
import type { Server } from './servers.js'

/** `goal` is that of new files. */
export async function status(
  room: Room,
  others: Pick<StatusReply, 'goal' | 'repair' | 'trash' | 'disk' | 'unknownReplicas'>,
): Promise<StatusReply> {
  const { belowGoal, missing } = await countMissing(room)
  const { table, leases, namespace, servers, clusterId, clock } = room
  return {
    clusterId,
    servers: [...servers.all()].map(server => serverStatus(room, server)),
    inodes: table.counts.inodes,
    chunks: table.counts.chunks,
    chunksBelowGoal: belowGoal,
    chunksMissing: missing,
    leasesInForce: leases.countInForce(clock.now()),
    damagedChunks: room.damages.size,
    damaged: damagedChunks(room),
    clients: namespace.sessionCount,
    ...others,
  }
}

function serverStatus({ clock, replicas, leases, serverTable, absences }: Room, server: Server): ServerStatus {
  const { id, address, state, totalBytes, freeBytes, heardAt } = server
  const expectedUntil = absences.expectedUntil(id, clock.now())
  return {
    server: address,
    connected: state.kind === 'connected',
    totalBytes,
    freeBytes,
    replicas: replicas.count(id),
    leases: leases.countHeldBy(id),
    silentMs: Math.min(2 ** 32 - 1, Math.round(clock.now() - heardAt)),
    draining: serverTable.draining.has(id),
    seenLaterMaster: server.seenLaterMaster,
    ...server.health,
    maintenanceMs: expectedUntil === undefined ? 0 : Math.ceil(expectedUntil - clock.now()),
  }
}

/** The first damagedListMax, those with blocks that are lost before others. */
function damagedChunks({ damages, table }: Room): DamagedChunk[] {
  const chunks = [...damages.handles()].flatMap(handle => {
    const record = table.chunk(handle)
    const replicas = [...damages.of(handle).values()]
    const blocks = Math.max(...replicas.map(({ blocks }) => blocks))
    const lost = replicas.some(({ outcome }) => outcome === 'CORRUPT')
    return record ? [{ ino: record.ino, index: record.index, handle, replicas: replicas.length, blocks, lost }] : []
  })
  return chunks.sort((a, b) => Number(b.lost) - Number(a.lost)).slice(0, damagedListMax)
}

/** Looks at every chunk, and lets others work in between. */
async function countMissing(room: Room): Promise<{ belowGoal: number; missing: number }> {
  let belowGoal = 0
  let missing = 0
  let seen = 0
  for (const record of room.table.all()) {
    const present = presentCount(room, record)
    if (present < record.goal) belowGoal++
    if (present === 0) missing++
    if (++seen % statusSliceChunks === 0) await breathe()
  }
  return { belowGoal, missing }
}

function presentCount({ replicas, servers }: Room, { handle, version }: ChunkRecord): number {
  return replicas.of(handle).filter(at => at.version === version && servers.session(at.server)).length
}

/** @throws LeasefsError NOT_FOUND, NOT_A_DIRECTORY, NAME_TOO_LONG, INVALID_ARGUMENT; TOO_BIG: too many chunks for one answer */
export function locateFile(room: Room, { ino, path }: LocateRequest): LocateReply {
  const { namespace, table } = room
  const attributes = ino > 0 ? namespace.attributes(ino as Ino) : namespace.resolvePath(path)
  const records = table.chunksOf(attributes.ino as Ino, 0, chunkIndexMax + 1)
  if (records.length > adminLocateCountMax) throw tooMany(attributes, records.length)
  return { attributes, chunks: records.map(record => locatedChunk(room, record)) }
}

function locatedChunk(room: Room, { index, handle, version }: ChunkRecord): LocatedChunk {
  const { leases, replicas, servers, clock } = room
  const now = clock.now()
  const lease = leases.current(handle, now)
  return {
    index,
    handle,
    version,
    lease: lease && leaseMessage(lease, now),
    replicas: replicas.of(handle).flatMap(at => {
      const server = servers.get(at.server)?.address
      return server ? { server, version: at.version, stale: at.version !== version } : []
    }),
  }
}

function tooMany({ ino }: Attributes, count: number): LeasefsError {
  return new LeasefsError(
    'TOO_BIG',
    `inode ${ino} has ${count} chunks: more than ${adminLocateCountMax} are not listed`,
  )
}
