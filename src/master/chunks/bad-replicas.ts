// Replicas that clients could not read. Hearsay: nothing is deleted for it,
// but the layout names them last until they have a new version.

import { LRUCache } from 'lru-cache'
import { type ChunkHandle, handleText, type ServerId } from '../../wire/ids.js'
import { badReplicasMax } from './limits.js'

export class BadReplicas {
  readonly #bad = new LRUCache<string, true>({ max: badReplicasMax })

  note(server: ServerId, handle: ChunkHandle, version: number): void {
    this.#bad.set(keyOf(server, handle, version), true)
  }

  /** The same servers, those with a bad replica at the end. */
  lastOf(handle: ChunkHandle, version: number, servers: readonly ServerId[]): ServerId[] {
    const isBad = (server: ServerId) => this.#bad.has(keyOf(server, handle, version))
    if (this.#bad.size === 0) return [...servers]
    return [...servers.filter(server => !isBad(server)), ...servers.filter(isBad)]
  }
}

function keyOf(server: ServerId, handle: ChunkHandle, version: number): string {
  return `${server} ${handleText(handle)} ${version}`
}
