// Whether a chunk never had a replica: its grant goes out without waiting, so
// the servers, or the master itself, may die before any of them has made its own.

import type { ServerId } from '../../wire/ids.js'
import type { ChunkRecord } from '../chunk-table.js'
import type { Room } from './room.js'

/**
 * No server has made a replica of this chunk, and none will: it may be made
 * again, as new. A master that has died since knows the servers from the
 * record. All of them must be there and have said what they hold.
 */
export function wasNeverMade({ creations, servers, replicas }: Room, { handle, placed }: ChunkRecord): boolean {
  if (creations.isOpen(handle)) return creations.failed(handle)
  const hasNone = (id: string) =>
    servers.standing(id as ServerId) === 'serving' && replicas.versionAt(id as ServerId, handle) === 0
  return placed.length > 0 && placed.every(hasNone)
}
