// An operator wants all replicas verified now, on one server or on all.

import { LeasefsError } from '../../base/errors.js'
import type { ScrubReply, ScrubRequest } from '../../wire/gen/admin.js'
import type { ServerId } from '../../wire/ids.js'
import { type Room, tell } from './room.js'
import { serverNamed } from './server-name.js'

/** @throws LeasefsError NOT_FOUND, INVALID_ARGUMENT; UNAVAILABLE, TIMEOUT: the server that was named has not begun */
export async function startScrubs(room: Room, { server, bytesPerSecond }: ScrubRequest): Promise<ScrubReply> {
  const start = (id: ServerId) => tell(room, id, { $case: 'scrub', value: { bytesPerSecond } })
  if (server !== '') {
    const id = serverNamed(room, server)
    await start(id)
    return { serverIds: [id] }
  }
  const connected = [...room.servers.all()].filter(({ state }) => state.kind === 'connected').map(({ id }) => id)
  const begun = await Promise.all(connected.map(id => start(id).then(() => [id], none)))
  return { serverIds: begun.flat() }
}

/** One that is gone by now begins when it is asked again. */
function none(reason: unknown): ServerId[] {
  if (reason instanceof LeasefsError) return []
  throw reason
}
