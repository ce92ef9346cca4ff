// A server as an operator names it.

import { LeasefsError } from '../../base/errors.js'
import type { ServerId } from '../../wire/ids.js'
import type { Room } from './room.js'

/** By its id, the beginning of it, or its control address. @throws LeasefsError NOT_FOUND, INVALID_ARGUMENT */
export function serverNamed({ servers, serverTable }: Pick<Room, 'servers' | 'serverTable'>, text: string): ServerId {
  const known = new Set([...servers.all()].map(({ id }) => id))
  for (const id of serverTable.draining) known.add(id)
  if (known.has(text as ServerId)) return text as ServerId
  const matches = [...known].filter(id => {
    return (text !== '' && id.startsWith(text)) || servers.get(id)?.address.controlAddress === text
  })
  const [id] = matches
  if (!id) throw new LeasefsError('NOT_FOUND', `no server is called "${text.slice(0, 80)}": see "leasefs status"`)
  if (matches.length > 1) {
    throw new LeasefsError('INVALID_ARGUMENT', `"${text}" is the beginning of ${matches.length} servers`)
  }
  return id
}
