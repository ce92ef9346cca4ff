// Which server has which replica at which version, from what chunkservers
// report (GFS section 4.1: the master keeps no persistent record of it). The
// table says what is there; what is good enough to use is decided elsewhere,
// against the version in the journal.
//
// Invariant: what stands here was said by the server in its present
// incarnation, or told to it by a command whose outcome its next full report shows.

import { LeasefsError } from '../../base/errors.js'
import type { ChunkHandle, ServerId } from '../../wire/ids.js'
import { replicasPerServerMax } from './limits.js'
import { ReplicaMap } from './replica-map.js'

export interface ReplicaAt {
  readonly server: ServerId
  readonly version: number
}

interface Holdings {
  held: ReplicaMap
  /** What the full report under way has said so far: replaces `held` at its end. Not needed if nothing was held before it. */
  incoming: ReplicaMap | undefined
}

export class Replicas {
  readonly #servers = new Map<ServerId, Holdings>()
  /** What servers held that said goodbye, until they are back or not waited for any more. */
  readonly #away = new Map<ServerId, ReplicaMap>()

  /** Every replica of the chunk that is known of, of whatever version. */
  of(handle: ChunkHandle): ReplicaAt[] {
    const found: ReplicaAt[] = []
    for (const [server, { held }] of this.#servers) {
      const version = held.get(handle)
      if (version > 0) found.push({ server, version })
    }
    return found
  }

  /** The version of the server's replica, 0 if it has none. */
  versionAt(server: ServerId, handle: ChunkHandle): number {
    return this.#servers.get(server)?.held.get(handle) ?? 0
  }

  count(server: ServerId): number {
    return this.#servers.get(server)?.held.size ?? 0
  }

  /** A replica made or raised at the master's word. */
  put(server: ServerId, handle: ChunkHandle, version: number): void {
    const { held, incoming } = this.#holdings(server)
    held.set(handle, version)
    incoming?.set(handle, version)
  }

  remove(server: ServerId, handle: ChunkHandle): void {
    const holdings = this.#servers.get(server)
    holdings?.held.delete(handle)
    holdings?.incoming?.delete(handle)
  }

  /** A server has said goodbye: what it holds is remembered, for whoever counts on its return. It serves nothing. */
  keepAway(server: ServerId): void {
    const held = this.#servers.get(server)?.held
    if (held) this.#away.set(server, held)
  }

  /** Servers that said goodbye and are remembered. */
  away(): ServerId[] {
    return [...this.#away.keys()]
  }

  /** Those of them that hold a replica of the chunk, of whatever version. */
  awayOf(handle: ChunkHandle): ServerId[] {
    const found: ServerId[] = []
    for (const [server, held] of this.#away) if (held.get(handle) > 0) found.push(server)
    return found
  }

  forgetAway(server: ServerId): void {
    this.#away.delete(server)
  }

  /** A full report begins: what it does not name will be gone at its end. */
  beginReport(server: ServerId): void {
    this.#away.delete(server)
    const holdings = this.#holdings(server)
    holdings.incoming = holdings.held.size > 0 ? new ReplicaMap() : undefined
  }

  /**
   * The server says that it has this replica. Within an incarnation versions
   * only rise: a piece composed before a raise does not undo it.
   *
   * @throws LeasefsError NO_SPACE beyond replicasPerServerMax
   */
  reported(server: ServerId, handle: ChunkHandle, version: number): void {
    const { held, incoming } = this.#holdings(server)
    if (held.size >= replicasPerServerMax) {
      throw new LeasefsError('NO_SPACE', `server ${server} reports more than ${replicasPerServerMax} replicas`)
    }
    const known = Math.max(version, held.get(handle))
    held.set(handle, known)
    incoming?.set(handle, known)
  }

  endReport(server: ServerId): void {
    const holdings = this.#holdings(server)
    if (!holdings.incoming) return
    holdings.held = holdings.incoming
    holdings.incoming = undefined
  }

  /** The server serves nothing any more. */
  dropServer(server: ServerId): void {
    this.#servers.delete(server)
  }

  /** Up to `count` of the server's replicas, for scans: see ReplicaMap.slice. */
  slice(server: ServerId, cursor: number, count: number): ReturnType<ReplicaMap['slice']> {
    return this.#servers.get(server)?.held.slice(cursor, count) ?? { entries: [], next: undefined }
  }

  #holdings(server: ServerId): Holdings {
    let holdings = this.#servers.get(server)
    if (!holdings) {
      holdings = { held: new ReplicaMap(), incoming: undefined }
      this.#servers.set(server, holdings)
    }
    return holdings
  }
}
