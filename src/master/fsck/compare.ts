// All replicas of a chunk's version are compared: lengths, block maps, and the
// checksums of all blocks, which their servers have read the blocks against.
//
// Clients go on writing. Replicas that differ may be about to be the same: they
// are looked at until nobody has a mutation under way and two looks in a row
// see the same, which is then what they are; or until that has been tried often
// enough, and is said.

import { LeasefsError } from '../../base/errors.js'
import type { VerifiedReplica } from '../../wire/gen/mutation.js'
import { type ChunkHandle, handleText, type ServerId } from '../../wire/ids.js'
import type { ChunkRecord } from '../chunk-table.js'
import type { Room } from '../chunks/room.js'
import { type AskOptions, blocksOf, verifyReplicas } from './ask.js'
import { chunkText, type Findings } from './findings.js'
import { blocksNamedMax, comparedAtOnceMax, comparedBytesMax, lookPauseMs, looksMax } from './limits.js'
import type { Slices } from './slices.js'

export interface CompareOptions extends AskOptions {
  readonly room: Room
  readonly findings: Findings
  readonly slices: Slices
  /** Every block is read and compared with its checksum. */
  readonly read: boolean
  /** How long a chunk's replicas are, about. */
  readonly lengthOf: (handle: ChunkHandle) => number
}

/** What the servers say of one chunk's replicas. */
type Look = ReadonlyMap<ServerId, VerifiedReplica>

export interface Compared {
  readonly bytes: number
  /** Chunks that did not stand still, or could not be looked at. */
  readonly incomplete: readonly string[]
}

/** `total`: about how many there are. */
export async function compareReplicas(
  options: CompareOptions,
  records: Iterable<ChunkRecord>,
  total: number,
): Promise<Compared> {
  const { slices, findings } = options
  let bytes = 0
  let seen = 0
  const incomplete: string[] = []
  for (const batch of batchesOf(records, options.lengthOf)) {
    slices.check()
    slices.tell(`comparing replicas: ${seen} of ${total} chunks`, total > 0 ? Math.min(1, seen / total) : 1)
    seen += batch.length
    const looks = await lookAt(options, batch, options.read)
    for (const record of batch) {
      const look = looks.get(record.handle) ?? new Map<ServerId, VerifiedReplica>()
      for (const [server, { length, badBlocks }] of look) {
        if (options.read) bytes += length
        if (badBlocks.length > 0) findings.add(corrupt(record, server, badBlocks))
      }
      if (isEqual(record, look, options.room)) continue
      const why = await lookUntilStill(options, record.handle)
      if (why) incomplete.push(why)
    }
  }
  return { bytes, incomplete }
}

/** Whether the chunk's replicas are all there, readable in every block, and the same. */
export async function isWhole(options: CompareOptions, record: ChunkRecord): Promise<boolean> {
  const look = (await lookAt(options, [record], true)).get(record.handle) ?? new Map<ServerId, VerifiedReplica>()
  const bad = [...look.values()].some(({ badBlocks }) => badBlocks.length > 0)
  return look.size > 0 && !bad && isEqual(record, look, options.room)
}

/** The digests are wanted of all who have the chunk's version; one that cannot be asked may be about to come back. */
function isEqual(record: ChunkRecord, look: Look, room: Room): boolean {
  if (holdersOf(room, record).some(server => !look.has(server))) return false
  const digests = new Set<string>()
  for (const { failure, digest } of look.values()) {
    if (failure) return false
    digests.add(digest.toString('hex'))
  }
  return digests.size <= 1
}

/** Undefined if the replicas are equal, or it was found in what they differ. Otherwise why that cannot be said. */
async function lookUntilStill(options: CompareOptions, handle: ChunkHandle): Promise<string | undefined> {
  const { room, slices, findings } = options
  let before = ''
  let why = 'it was being written to all the time'
  for (let tries = 0; tries < looksMax; tries++) {
    if (tries > 0) await slices.sleep(lookPauseMs)
    const record = room.table.chunk(handle)
    if (!record) return undefined
    const look = (await lookAt(options, [record], false)).get(handle) ?? new Map<ServerId, VerifiedReplica>()
    if (isEqual(record, look, room)) return undefined
    const failed = [...look].find(([, { failure }]) => failure)
    if (failed) why = `server ${failed[0]}: ${failed[1].failure?.message}`
    const isUnderWay = [...look.values()].some(({ underWay }) => underWay)
    const seen = isUnderWay || failed ? '' : textOf(record, look)
    if (seen !== '' && seen === before) {
      findings.add(await different(options, record, look))
      return undefined
    }
    before = seen
  }
  return `chunk ${handleText(handle)} was not compared: ${why}`
}

/** The servers that have the current version and may be asked. */
function holdersOf({ replicas, servers, doubts }: Room, { handle, version }: ChunkRecord): ServerId[] {
  if (doubts.has(handle)) return []
  return replicas
    .of(handle)
    .filter(at => at.version === version && servers.standing(at.server) === 'serving')
    .map(({ server }) => server)
}

async function lookAt(
  options: CompareOptions,
  records: readonly ChunkRecord[],
  read: boolean,
): Promise<Map<ChunkHandle, Map<ServerId, VerifiedReplica>>> {
  const wanted = new Map<ServerId, ChunkRecord[]>()
  for (const record of records) {
    for (const server of holdersOf(options.room, record)) {
      const list = wanted.get(server) ?? []
      wanted.set(server, list)
      list.push(record)
    }
  }
  const looks = new Map<ChunkHandle, Map<ServerId, VerifiedReplica>>()
  const askOne = async ([server, list]: [ServerId, ChunkRecord[]]) => {
    const answers = await answersOf(options, server, list, read)
    for (const [at, { handle }] of list.entries()) {
      const look = looks.get(handle) ?? new Map<ServerId, VerifiedReplica>()
      looks.set(handle, look)
      const answer = answers[at]
      if (answer) look.set(server, answer)
    }
  }
  await Promise.all([...wanted].map(askOne))
  options.slices.check()
  return looks
}

async function answersOf(options: CompareOptions, server: ServerId, records: readonly ChunkRecord[], read: boolean) {
  try {
    return await verifyReplicas(options, server, records, read)
  } catch (reason) {
    if (!(reason instanceof LeasefsError)) throw reason
    const failure = { code: reason.code, message: reason.message }
    const nothing = { length: 0, digest: Buffer.alloc(0), underWay: false, badBlocks: [] }
    return records.map(() => ({ failure, ...nothing }))
  }
}

function* batchesOf(
  records: Iterable<ChunkRecord>,
  lengthOf: (handle: ChunkHandle) => number,
): Iterable<readonly ChunkRecord[]> {
  let batch: ChunkRecord[] = []
  let bytes = 0
  for (const record of records) {
    batch.push(record)
    bytes += lengthOf(record.handle)
    if (batch.length < comparedAtOnceMax && bytes < comparedBytesMax) continue
    yield batch
    batch = []
    bytes = 0
  }
  if (batch.length > 0) yield batch
}

function textOf({ version }: ChunkRecord, look: Look): string {
  const each = Array.from(look, ([server, { digest }]) => `${server} ${digest.toString('hex')}`)
  return `${version} ${each.sort().join(' ')}`
}

function corrupt(record: ChunkRecord, server: ServerId, blocks: readonly number[]) {
  const text = `${chunkText(record)} on server ${server}: ${blocksText(blocks)} cannot be read as written`
  const { ino, handle } = record
  return { kind: 'corrupt-replica', text, ino, handle, server, repair: 'restore them from another replica' } as const
}

async function different(options: CompareOptions, record: ChunkRecord, look: Look) {
  const { ino, handle, version } = record
  const servers = [...look.keys()]
  const each = await Promise.all(
    servers.map(server => blocksOf(options, server, handle, version).catch(() => undefined)),
  )
  const count = Math.max(0, ...each.map(blocks => blocks?.length ?? 0))
  const [first] = each
  const indexes = Array.from({ length: count }, (_, index) => index).filter(index => {
    return each.some(blocks => blocks && first && blocks[index] !== first[index])
  })
  const majority = sides(look, servers).find(side => 2 * side.length > servers.length)
  const minority = majority && servers.filter(server => !majority.includes(server))
  const text = `${chunkText(record)}: ${blocksText(indexes)} not the same on ${sides(look, servers)
    .map(side => side.join(', '))
    .join(' as on ')}`
  const repair = minority && { minority, repair: 'make them what most are' }
  return { kind: 'different-replicas', text, ino, handle, ...repair } as const
}

/** Servers whose replicas are the same. */
function sides(look: Look, servers: readonly ServerId[]): ServerId[][] {
  const digestAt = (server: ServerId) => look.get(server)?.digest.toString('hex')
  return Array.from(new Set(servers.map(digestAt)), digest => servers.filter(server => digestAt(server) === digest))
}

function blocksText(blocks: readonly number[]): string {
  if (blocks.length === 0) return 'length or holes are'
  const named = blocks.slice(0, blocksNamedMax).join(', ')
  const more = blocks.length > blocksNamedMax ? ` and ${blocks.length - blocksNamedMax} more` : ''
  return `${blocks.length === 1 ? 'block' : 'blocks'} ${named}${more}`
}
