// Has a server restore the damaged blocks of its replica from others of the
// chunk. Any will do that has a block as it was, also one that missed a version.

import type { MendSource } from '../../wire/gen/chunkserver.js'
import type { ChunkHandle, ServerId } from '../../wire/ids.js'
import type { ChunkRecord } from '../chunk-table.js'
import { mendSourcesMax } from './limits.js'
import { type Room, tell } from './room.js'

/**
 * The server's replica is of the record's version. Resolves when no block of it
 * is damaged, as far as is known.
 *
 * @throws LeasefsError CORRUPT: no replica has some blocks whole; CHANGED: others have other bytes than were written
 *   there; UNAVAILABLE, and what else the server says
 */
export async function mendReplica(
  room: Room,
  { handle, version }: Pick<ChunkRecord, 'handle' | 'version'>,
  server: ServerId,
): Promise<void> {
  const sources = sourcesFor(room, handle, server)
  await tell(room, server, { $case: 'mend', value: { handle, version, sources } })
  room.damages.repaired(handle, server)
}

/** Those of the latest version first. */
function sourcesFor({ replicas, servers }: Room, handle: ChunkHandle, server: ServerId): MendSource[] {
  const others = replicas.of(handle).filter(at => at.server !== server && servers.session(at.server))
  others.sort((a, b) => b.version - a.version)
  return others.slice(0, mendSourcesMax).flatMap(({ server, version }) => {
    const address = servers.get(server)?.address
    return address ? [{ server: address, version }] : []
  })
}
