// What the parts of the chunk room share: its tables, the journaled table of
// chunks, and the world. Each part is functions of this, or a small class over it.

import type { Clock } from '../../base/clock.js'
import { LeasefsError } from '../../base/errors.js'
import type { Logger } from '../../base/log.js'
import { LogLimit, type Warner } from '../../base/log-limit.js'
import type { Random } from '../../base/random.js'
import type { Trace } from '../../base/trace.js'
import { serverLeaseMs } from '../../constants.js'
import type { ChunkHandle, ClusterId, Ino, ServerId } from '../../wire/ids.js'
import { handleText } from '../../wire/ids.js'
import type { Namespace } from '../chunk-service.js'
import type { ChunkRecord, ChunkTable } from '../chunk-table.js'
import type { ServerTable } from '../server-table.js'
import { Changes } from './changes.js'
import { Creations } from './creations.js'
import { Damages } from './damages.js'
import { Doubts } from './doubts.js'
import { type Lease, LeaseTable } from './leases.js'
import { minReplicasDefault, reportPatienceMs, watchMs } from './limits.js'
import { Absences } from './repair/absences.js'
import { maintenanceMs, repairDelayMs } from './repair/limits.js'
import { Replicas } from './replicas.js'
import { type CommandBody, Servers } from './servers.js'
import { Turns } from './turns.js'

export interface RoomOptions {
  readonly clusterId: ClusterId
  readonly table: ChunkTable
  readonly namespace: Namespace
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  readonly trace?: Trace | undefined
  /** How long a chunk lease lasts. */
  readonly leaseMs: number
  readonly serverTable: ServerTable
  /** How long servers that vanished, and those that said goodbye, are waited for before what they held is copied. */
  readonly repairDelayMs?: number | undefined
  readonly maintenanceMs?: number | undefined
  /** With fewer replicas than this (or than its goal) a chunk takes no writes. */
  readonly minReplicas?: number | undefined
}

export interface Room extends RoomOptions {
  /** For what others can cause as often as they like. */
  readonly warner: Warner
  readonly servers: Servers
  readonly replicas: Replicas
  readonly leases: LeaseTable
  readonly creations: Creations
  readonly doubts: Doubts
  readonly damages: Damages
  readonly absences: Absences
  readonly minReplicas: number
  readonly changes: Changes
  /** Whoever changes a chunk's version or lease takes a turn. */
  readonly turns: Turns<ChunkHandle>
  /** Whoever makes chunks of a file takes a turn. */
  readonly fileTurns: Turns<Ino>
  /** Until then a server's absence proves nothing: it may be serving under its lease from the master before. */
  readonly absenceProvesAt: number
  /** Aborts when the master goes down: nobody waits any more. */
  readonly closing: AbortSignal
}

export function openRoom(options: RoomOptions, closing: AbortSignal): Room {
  return {
    ...options,
    closing,
    warner: new LogLimit(options.log, options.clock),
    servers: new Servers(serverLeaseMs),
    replicas: new Replicas(),
    leases: new LeaseTable(options.table.masterEpoch, options.leaseMs),
    creations: new Creations(),
    doubts: new Doubts(),
    damages: new Damages(),
    minReplicas: options.minReplicas ?? minReplicasDefault,
    absences: new Absences({
      startedAt: options.clock.now(),
      repairDelayMs: options.repairDelayMs ?? repairDelayMs,
      maintenanceMs: options.maintenanceMs ?? maintenanceMs,
    }),
    changes: new Changes(options.clock),
    turns: new Turns(),
    fileTurns: new Turns(),
    absenceProvesAt: options.clock.now() + serverLeaseMs + watchMs,
  }
}

/** Whether the master knows too little to say what is missing: it has just started, or a server is still telling what it holds. */
export function isIncomplete({ servers, clock, absenceProvesAt }: Room): boolean {
  const now = clock.now()
  return now < absenceProvesAt || servers.reporting().some(({ since }) => now - since < reportPatienceMs)
}

/** @throws LeasefsError UNAVAILABLE: the chunk has been dropped; whoever asks again learns what the file is now. */
export function chunkOf(room: Room, handle: ChunkHandle): ChunkRecord {
  const record = room.table.chunk(handle)
  if (!record) throw new LeasefsError('UNAVAILABLE', `chunk ${handleText(handle)} has been dropped`)
  return record
}

/**
 * Gives a server a command.
 *
 * @throws LeasefsError UNAVAILABLE (it was not told), TIMEOUT (it was told and has not answered), what it says
 */
export async function tell(room: Room, server: ServerId, body: CommandBody): Promise<void> {
  const session = room.servers.session(server)
  if (!session) throw new LeasefsError('UNAVAILABLE', `server ${server} is not connected`)
  await session.command(body)
}

/** Ends a lease whose holder orders nothing any more, or must stop at once. */
export function endLease(room: Room, handle: ChunkHandle, why: string): void {
  const lease = room.leases.remove(handle)
  if (lease) traceLease(room, 'lease.revoke', lease, { why })
}

/** A server serves nothing any more: its replicas are out of reach, its leases are over. */
export function endServer(room: Room, server: ServerId, kind: 'dead' | 'left', why: string): void {
  room.log.info({ server, why }, kind === 'dead' ? 'chunkserver is gone' : 'chunkserver has left')
  const session = room.servers.session(server)
  room.servers.gone(server, kind)
  room.absences.gone(server, kind, room.clock.now())
  if (kind === 'left') room.replicas.keepAway(server)
  forgetHoldings(room, server, why, kind === 'left')
  session?.close(new LeasefsError('SESSION_LOST', why))
  // Primaries that wait for it need not.
  for (const { id } of room.servers.all()) room.servers.session(id)?.tellGone(server)
  room.changes.announce()
}

/** What a server held is out of reach until it reports it again. `orderly`: nothing that it ordered was under way. */
export function forgetHoldings(room: Room, server: ServerId, why: string, orderly: boolean): void {
  room.replicas.dropServer(server)
  room.doubts.serverGone(server)
  room.damages.serverGone(server)
  for (const handle of [...room.leases.heldBy(server)]) {
    endLease(room, handle, why)
    if (!orderly) orderLost(room, handle)
  }
}

/** Nobody knows where the order of the chunk's mutations ended: nobody reads a replica before they are made level. */
export function orderLost(room: Room, handle: ChunkHandle): void {
  room.doubts.orderLost(handle)
  const record = room.table.chunk(handle)
  if (record) room.namespace.invalidate(record.ino)
}

export function traceLease(
  room: Room,
  event: 'lease.grant' | 'lease.extend' | 'lease.expire' | 'lease.revoke',
  lease: Lease,
  more: { readonly [field: string]: string | number | boolean } = {},
): void {
  room.trace?.(event, {
    handle: handleText(lease.handle),
    version: lease.version,
    leaseId: lease.leaseId,
    to: lease.primary,
    primary: lease.primary,
    secondaries: lease.secondaries,
    remainingMs: Math.max(0, Math.round(lease.expiresAt - room.clock.now())),
    ...more,
  })
}
