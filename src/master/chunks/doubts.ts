// Chunks whose replicas may differ, although none has missed a version: a lease
// ended with mutations under way, or a server came back as a crash left it. They
// are made level, under a new version, before anyone relies on them.
//
// In memory: a master that starts anew learns them from what chunkservers report.

import type { ChunkHandle, LeaseId, ServerId } from '../../wire/ids.js'

interface Doubt {
  /** Whose replica may lack changes that were applied. */
  readonly servers: Set<ServerId>
  /** Any of them may have changes that others have not. */
  amongAll: boolean
}

export class Doubts {
  readonly #doubts = new Map<ChunkHandle, Doubt>()
  /** Orders that go on, as secondaries reported after the master's start. Undefined once that is settled. */
  #followed: Map<ChunkHandle, LeaseId> | undefined = new Map()

  get size(): number {
    return this.#doubts.size
  }

  has(handle: ChunkHandle): boolean {
    return this.#doubts.has(handle)
  }

  /** Whether the chunk's replicas must be made level before any of them is read. */
  isAmongAll(handle: ChunkHandle): boolean {
    return this.#doubts.get(handle)?.amongAll === true
  }

  /** Whether this replica may lack changes. */
  concerns(handle: ChunkHandle, server: ServerId): boolean {
    return this.#doubts.get(handle)?.servers.has(server) === true
  }

  /** The order of the chunk's mutations ended, nobody knows where. */
  orderLost(handle: ChunkHandle): void {
    this.#doubt(handle).amongAll = true
  }

  /** The server says that its replica may not be what it should. */
  reported(handle: ChunkHandle, server: ServerId): void {
    this.#doubt(handle).servers.add(server)
  }

  /** A secondary says under which lease it applies: counts if nobody turns out to hold that. */
  follows(handle: ChunkHandle, leaseId: LeaseId): void {
    if ((this.#followed?.get(handle) ?? 0) < leaseId) this.#followed?.set(handle, leaseId)
  }

  /** All who hold leases since before the master's start have said so, or are gone: what else is followed has lost its primary. */
  leasesKnown(current: (handle: ChunkHandle) => LeaseId | undefined): void {
    for (const [handle, leaseId] of this.#followed ?? []) {
      if ((current(handle) ?? 0) < leaseId) this.orderLost(handle)
    }
    this.#followed = undefined
  }

  /** The replicas are level, or there are none. */
  resolved(handle: ChunkHandle): void {
    this.#doubts.delete(handle)
  }

  /** These replicas do not count any more. */
  leftBehind(handle: ChunkHandle, servers: Iterable<ServerId>): void {
    const doubt = this.#doubts.get(handle)
    if (!doubt) return
    for (const server of servers) doubt.servers.delete(server)
    if (doubt.servers.size === 0 && !doubt.amongAll) this.#doubts.delete(handle)
  }

  /** The server's replicas are out of reach: it will say again what is to be said of them. */
  serverGone(server: ServerId): void {
    for (const [handle, { servers }] of this.#doubts) if (servers.has(server)) this.leftBehind(handle, [server])
  }

  handles(): IterableIterator<ChunkHandle> {
    return this.#doubts.keys()
  }

  #doubt(handle: ChunkHandle): Doubt {
    let doubt = this.#doubts.get(handle)
    if (!doubt) {
      doubt = { servers: new Set(), amongAll: false }
      this.#doubts.set(handle, doubt)
    }
    return doubt
  }
}
