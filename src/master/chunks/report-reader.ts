// Takes in what a chunkserver reports: all it holds after it has registered,
// in pieces, and then changes as they happen. A restarted master learns here
// which leases are in force.

import { LeasefsError } from '../../base/errors.js'
import type { Replica } from '../../wire/gen/chunkserver.js'
import { type ChunkHandle, handleText, type LeaseId, type ServerId } from '../../wire/ids.js'
import { checkReplica, checkServerId } from './checks.js'
import { isGood } from './lease-plan.js'
import { endLease, orderLost, type Room, traceLease } from './room.js'
import type { ServerSession } from './servers.js'

export class ReportReader {
  readonly #room: Room
  readonly #server: ServerId
  readonly #session: ServerSession
  /** Leases that the server says it holds, until its full report has ended. */
  #claimed: Set<ChunkHandle> | undefined = new Set()

  constructor(room: Room, server: ServerId, session: ServerSession) {
    this.#room = room
    this.#server = server
    this.#session = session
  }

  /** @throws LeasefsError INVALID_ARGUMENT, NO_SPACE (more replicas than the master keeps count of) */
  take(pieces: readonly Replica[]): void {
    const { replicas, creations, damages } = this.#room
    for (const piece of pieces) {
      const { handle, version } = checkReplica(piece)
      if (version === 0) {
        replicas.remove(this.#server, handle)
        damages.repaired(handle, this.#server)
        creations.refused(handle, this.#server)
        continue
      }
      replicas.reported(this.#server, handle, version)
      damages.reported(handle, this.#server, piece.damagedBlocks)
      this.#noteDoubts(handle, version, piece)
      creations.end(handle)
      if (piece.leaseId > 0 && piece.leaseRemainingMs > 0 && this.#claimed) this.#takeLease(handle, version, piece)
    }
  }

  /** The full report has ended. What comes later are changes. */
  end(): void {
    const claimed = this.#claimed
    if (!claimed) return
    this.#claimed = undefined
    const { replicas, creations, servers, changes, leases } = this.#room
    replicas.endReport(this.#server)
    creations.reported(this.#server, handle => replicas.versionAt(this.#server, handle) > 0)
    // No lease is granted to a server that is reporting: what it does not claim was granted on a session that is over.
    for (const handle of [...leases.heldBy(this.#server)]) {
      if (claimed.has(handle)) continue
      endLease(this.#room, handle, 'not held any more')
      orderLost(this.#room, handle)
    }
    servers.reported(this.#server, this.#session)
    changes.announce()
  }

  /** A replica that has missed a version is in nobody's way, whatever it holds. */
  #noteDoubts(handle: ChunkHandle, version: number, { doubtful, followedLeaseId }: Replica): void {
    // Nearly all of what may be millions: not worth a look at the table.
    if (!doubtful && followedLeaseId === 0) return
    const record = this.#room.table.chunk(handle)
    if (!record || !isGood(record, version)) return
    if (doubtful) this.#room.doubts.reported(handle, this.#server)
    if (followedLeaseId > 0) this.#room.doubts.follows(handle, followedLeaseId as LeaseId)
  }

  #takeLease(handle: ChunkHandle, version: number, { leaseId, leaseRemainingMs, secondaries }: Replica): void {
    const { table, leases, clock } = this.#room
    const record = table.chunk(handle)
    const usable = record?.version === version && record.settledVersion === version
    const terms = {
      handle,
      version,
      leaseId: leaseId as LeaseId,
      primary: this.#server,
      secondaries: secondaries.map(checkServerId).filter(id => id !== this.#server),
    }
    const known = leases.current(handle, clock.now())
    const lease = usable ? leases.adopt(terms, leaseRemainingMs, clock.now()) : undefined
    if (lease) this.#claimed?.add(handle)
    else this.#revoke(handle, leaseId)
    if (lease && lease !== known) traceLease(this.#room, 'lease.grant', lease, { adopted: true })
  }

  /** The server must not order mutations of the chunk any more: its version has passed, or another holds the lease. */
  #revoke(handle: ChunkHandle, leaseId: number): void {
    this.#session.command({ $case: 'revoke', value: { handle, leaseId } }).catch(reason => {
      if (!(reason instanceof LeasefsError)) throw reason
      this.#room.log.warn({ server: this.#server, handle: handleText(handle), err: reason }, 'a lease was not revoked')
    })
  }
}
