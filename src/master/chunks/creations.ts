// New chunks whose replicas no server has confirmed yet. Their grants go out
// without waiting, so all of the servers may die before one has made its
// replica: nothing was ever written then, and the chunk may be made again
// elsewhere. Once a server has confirmed, a chunk without replicas is a lost one.
//
// Held in memory only, for the fraction of a second that a creation takes. What a
// master that died meanwhile knew is found out by never-made.ts.

import type { ChunkHandle, ServerId } from '../../wire/ids.js'

export class Creations {
  /** The servers that may still have made the replica. */
  readonly #open = new Map<ChunkHandle, Set<ServerId>>()

  /** Servers are being told to make replicas of this chunk. */
  begin(handle: ChunkHandle, servers: Iterable<ServerId>): void {
    this.#open.set(handle, new Set(servers))
  }

  /** A server has made its replica, or the chunk is gone. */
  end(handle: ChunkHandle): void {
    this.#open.delete(handle)
  }

  /** This server has certainly not made the replica, and will not. */
  refused(handle: ChunkHandle, server: ServerId): void {
    this.#open.get(handle)?.delete(server)
  }

  /** The full report of a server has ended: what it did not name it has not made. */
  reported(server: ServerId, has: (handle: ChunkHandle) => boolean): void {
    for (const [handle, servers] of this.#open) {
      if (!servers.has(server)) continue
      if (has(handle)) this.#open.delete(handle)
      else servers.delete(server)
    }
  }

  /** Whether nobody has confirmed it yet. */
  isOpen(handle: ChunkHandle): boolean {
    return this.#open.has(handle)
  }

  /** No server has made a replica of this chunk, and none will. */
  failed(handle: ChunkHandle): boolean {
    return this.#open.get(handle)?.size === 0
  }
}
