// What each chunkserver really has, against what the master believes it has.

import { LeasefsError } from '../../base/errors.js'
import { chunkSize } from '../../constants.js'
import type { ListedReplica, ListReplicasReply } from '../../wire/gen/mutation.js'
import { type ChunkHandle, handleText, type ServerId } from '../../wire/ids.js'
import { isGood } from '../chunks/lease-plan.js'
import { ReplicaMap } from '../chunks/replica-map.js'
import type { Room } from '../chunks/room.js'
import { type AskOptions, listReplicas } from './ask.js'
import { chunkText, type Findings, type Found } from './findings.js'
import { disagreementMs, listedAtOnce } from './limits.js'
import type { Slices } from './slices.js'

export interface Listing {
  /** Replicas that were listed, of all servers. */
  replicas: number
  /** The longest replica of each chunk, plus one: a ReplicaMap has no zeros. */
  readonly lengths: ReplicaMap
  /** Chunks whose replicas of the current version differ in length: to be compared. */
  readonly unequal: Set<ChunkHandle>
  /** Why not all servers have been asked. */
  readonly incomplete: string[]
}

export interface ListOptions extends AskOptions {
  readonly room: Room
  readonly findings: Findings
  readonly slices: Slices
}

/** Entries of the master's own table looked at between two breaths. */
const sliceEntries = 4096

export async function checkServerLists(options: ListOptions): Promise<Listing> {
  const { room, slices } = options
  const listing: Listing = { replicas: 0, lengths: new ReplicaMap(), unequal: new Set(), incomplete: [] }
  const serving = [...room.servers.all()].map(({ id }) => id).filter(id => room.servers.standing(id) === 'serving')
  for (const [at, server] of serving.entries()) {
    slices.tell(`server ${at + 1} of ${serving.length}`, at / serving.length)
    try {
      await checkServer(options, server, listing)
    } catch (reason) {
      if (!(reason instanceof LeasefsError) || reason.code === 'CANCELLED') throw reason
      listing.incomplete.push(`server ${server} did not say what it has: ${reason.message}`)
    }
  }
  return listing
}

async function checkServer(options: ListOptions, server: ServerId, listing: Listing): Promise<void> {
  const { room, slices } = options
  const listed = new ReplicaMap()
  const suspects: Suspect[] = []
  const parts = Math.max(1, Math.ceil(room.replicas.count(server) / listedAtOnce))
  for (let part = 0; part < parts; part++) {
    const reply = await listReplicas(options, server, parts, part)
    noteFiles(options, server, reply)
    for (const replica of reply.replicas) {
      const rest = slices.row()
      if (rest) await rest
      const handle = replica.handle as ChunkHandle
      if (replica.version === 0) continue
      listing.replicas++
      listed.set(handle, replica.version)
      if (!look(options, server, replica, listing)) suspects.push({ handle, replica })
    }
  }
  for (let cursor: number | undefined = 0; cursor !== undefined; ) {
    const { entries, next } = room.replicas.slice(server, cursor, sliceEntries)
    for (const [handle] of entries) if (listed.get(handle) === 0) suspects.push({ handle, replica: undefined })
    cursor = next
    await slices.rest()
  }
  if (suspects.length > 0) await lookAgain(options, server, suspects)
}

interface Suspect {
  readonly handle: ChunkHandle
  readonly replica: ListedReplica | undefined
}

/** False if master and server do not agree: one of them may be about to. */
function look({ room, findings }: ListOptions, server: ServerId, replica: ListedReplica, listing: Listing): boolean {
  const { version, length, doubtful, failed } = replica
  const handle = replica.handle as ChunkHandle
  const record = room.table.chunk(handle)
  const add = (kind: Found['kind'], text: string) =>
    findings.add({ kind, text, handle, ...(record && { ino: record.ino }) })
  const at = `on server ${server}`
  if (failed) {
    add('failed-replica', `${record ? chunkText(record) : handleText(handle)} ${at} lacks mutations since it failed`)
    return true
  }
  if (room.replicas.versionAt(server, handle) !== version) return false
  if (!record) {
    const kept = room.table.mayBeLost(handle) ? ', and is kept: the records of its chunk may be lost' : ''
    add('unknown-replica', `${handleText(handle)} ${at} is of a chunk that no file has${kept}`)
    return true
  }
  if (version > record.version)
    add('version-ahead', `${chunkText(record)} ${at} has version ${version}, the chunk ${record.version}`)
  else if (!isGood(record, version))
    add('stale-replica', `${chunkText(record)} ${at} has version ${version}, the chunk ${record.version}`)
  else if (version === record.version && !doubtful) noteLength(listing, handle, length)
  return true
}

function noteLength({ lengths, unequal }: Listing, handle: ChunkHandle, length: number): void {
  const known = lengths.get(handle)
  if (known > 0 && known !== length + 1) unequal.add(handle)
  lengths.set(handle, Math.min(chunkSize, Math.max(known - 1, length)) + 1)
}

/** Files that have gone, and files that nobody has made. */
function noteFiles({ room, findings }: ListOptions, server: ServerId, { missing, strangers }: ListReplicasReply): void {
  for (const handle of missing) {
    const record = room.table.chunk(handle as ChunkHandle)
    const text = `${record ? chunkText(record) : handleText(handle)} on server ${server}: its file has been taken away`
    const repair = 'copy it from another replica'
    findings.add({ kind: 'missing-replica', text, handle, server, ...(record && { ino: record.ino }), repair })
  }
  for (const name of strangers) {
    findings.add({ kind: 'strange-file', text: `file ${name} of server ${server} is no replica of its`, server })
  }
}

/** Replicas come, go and are raised all the time: what master and server still do not agree on after a while is wrong. */
async function lookAgain(options: ListOptions, server: ServerId, suspects: readonly Suspect[]): Promise<void> {
  const { room, slices, findings } = options
  await slices.sleep(disagreementMs)
  // Few, as a rule: each is asked for by itself, as the only one of its part.
  const handles = new Set(suspects.map(({ handle }) => handle))
  const parts = Math.max(1, Math.ceil(room.replicas.count(server) / listedAtOnce))
  const now = new Map<ChunkHandle, number>()
  for (const part of new Set([...handles].map(handle => handle % parts))) {
    for (const { handle, version, failed } of (await listReplicas(options, server, parts, part)).replicas) {
      if (handles.has(handle as ChunkHandle)) now.set(handle as ChunkHandle, failed ? 0 : version)
    }
  }
  for (const handle of handles) {
    const [there, known] = [now.get(handle) ?? 0, room.replicas.versionAt(server, handle)]
    if (there === known) continue
    const record = room.table.chunk(handle)
    const name = record ? chunkText(record) : handleText(handle)
    const more = { handle, ...(record && { ino: record.ino }) }
    if (there === 0) {
      const text = `${name} is not on server ${server}, which is to have version ${known}`
      findings.add({ kind: 'missing-replica', text, ...more, server, repair: 'count on it no longer' })
    } else {
      const text = `${name} is on server ${server} with version ${there}, and the master knows of ${known || 'none'}`
      findings.add({ kind: 'unreported-replica', text, ...more })
    }
  }
}
