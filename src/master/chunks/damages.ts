// Replicas with blocks that their disks have damaged, as chunkservers report
// it. Their whole blocks are good, so they count; what is damaged is restored
// (mending.ts).

import type { ChunkHandle, ServerId } from '../../wire/ids.js'
import { damagedReplicasMax } from './limits.js'

/** What came of the last attempt to restore a replica: CORRUPT, nobody has some of its blocks. */
export type MendOutcome = 'none yet' | 'CORRUPT' | 'CHANGED' | 'UNAVAILABLE'

export interface DamagedReplica {
  /** Damaged blocks. */
  readonly blocks: number
  /** Attempts to restore them that failed in a row, and how the last one did. */
  readonly failures: number
  readonly outcome: MendOutcome
}

export class Damages {
  readonly #damages = new Map<ChunkHandle, Map<ServerId, DamagedReplica>>()
  #count = 0

  /** Chunks with a damaged replica. */
  get size(): number {
    return this.#damages.size
  }

  handles(): IterableIterator<ChunkHandle> {
    return this.#damages.keys()
  }

  of(handle: ChunkHandle): ReadonlyMap<ServerId, DamagedReplica> {
    return this.#damages.get(handle) ?? none
  }

  concerns(handle: ChunkHandle, server: ServerId): boolean {
    return this.#damages.get(handle)?.has(server) === true
  }

  /** The server says how many blocks of its replica are damaged. Beyond damagedReplicasMax it must say so again. */
  reported(handle: ChunkHandle, server: ServerId, blocks: number): void {
    if (blocks === 0) {
      this.repaired(handle, server)
      return
    }
    const known = this.#damages.get(handle)
    const replica = known?.get(server) ?? { failures: 0, outcome: 'none yet' }
    if (!known?.has(server)) {
      if (this.#count >= damagedReplicasMax) return
      this.#count++
    }
    this.#damages.set(handle, (known ?? new Map()).set(server, { ...replica, blocks }))
  }

  /** An attempt to restore the replica has failed. */
  failed(handle: ChunkHandle, server: ServerId, outcome: MendOutcome): void {
    const known = this.#damages.get(handle)
    const replica = known?.get(server)
    if (replica) known?.set(server, { ...replica, outcome, failures: replica.failures + 1 })
  }

  /** No block of it is damaged any more, or it is not there any more. */
  repaired(handle: ChunkHandle, server: ServerId): void {
    const known = this.#damages.get(handle)
    if (!known?.delete(server)) return
    this.#count--
    if (known.size === 0) this.#damages.delete(handle)
  }

  dropped(handle: ChunkHandle): void {
    for (const server of [...this.of(handle).keys()]) this.repaired(handle, server)
  }

  /** Its replicas are out of reach: it will say again what is damaged of them. */
  serverGone(server: ServerId): void {
    for (const handle of this.#damages.keys()) this.repaired(handle, server)
  }
}

const none: ReadonlyMap<ServerId, DamagedReplica> = new Map()
