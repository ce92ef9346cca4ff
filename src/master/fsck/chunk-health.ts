// Whether each chunk has the replicas it should, as the master knows them.

import type { ServerId } from '../../wire/ids.js'
import type { ChunkRecord } from '../chunk-table.js'
import { needOf } from '../chunks/repair/need.js'
import { isGoodHolder, viewOf } from '../chunks/repair/view.js'
import type { Room } from '../chunks/room.js'
import { chunkText, type Findings } from './findings.js'
import type { Slices } from './slices.js'

/** Chunks between two words about how far it is. */
const toldChunks = 1024

export async function checkChunkHealth(room: Room, findings: Findings, slices: Slices): Promise<void> {
  const { chunks } = room.table.counts
  let seen = 0
  for (const record of room.table.all()) {
    const rest = slices.row()
    if (rest) await rest
    if (seen++ % toldChunks === 0) slices.tell(`chunks: ${seen} of ${chunks}`, Math.min(1, seen / Math.max(1, chunks)))
    checkHealth(room, findings, record)
  }
}

function checkHealth(room: Room, findings: Findings, record: ChunkRecord): void {
  const { ino, handle, goal } = record
  const view = viewOf(room, record)
  const good = view.holders.filter(holder => isGoodHolder(record, holder))
  const at = { ino, handle }
  if (good.length === 0) {
    const others = view.holders.map(({ server, version, standing }) => `${server} at version ${version}, ${standing}`)
    const known = others.length > 0 ? `, only ${others.join('; ')}` : ''
    findings.add({
      kind: 'no-replica',
      text: `${chunkText(record)} has no replica of version ${record.version}${known}`,
      ...at,
    })
  } else if (good.length < goal) {
    const text = `${chunkText(record)} has ${good.length} of ${goal} replicas`
    findings.add({ kind: 'below-goal', text, ...at, repair: 'copy it to another server' })
  } else if (needOf(view).kind === 'surplus') {
    findings.add({
      kind: 'surplus-replica',
      text: `${chunkText(record)} has ${good.length} replicas and wants ${goal}`,
      ...at,
    })
  }
  if (room.doubts.has(handle)) {
    findings.add({ kind: 'in-doubt', text: `${chunkText(record)}: its replicas are to be made level`, ...at })
  }
}

/** Servers that ought to be there, and cannot be asked. One that is being emptied may be away for good. */
export function absentServers({ servers, serverTable }: Room): ServerId[] {
  return [...servers.all()].flatMap(({ id, state }) => {
    return state.kind === 'connected' || serverTable.draining.has(id) ? [] : [id]
  })
}
