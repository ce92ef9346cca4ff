// Where the chunks of a file are: the answer to LocateChunks.
//
// For reading: the replicas of the current version on servers that are
// connected; none at all if there are none (the client waits, and never takes
// that for zeros). For writing also who the primary is: the holder of the
// lease in force, or the replica to which one is granted. Missing chunks are made.

import { LeasefsError } from '../../base/errors.js'
import { chunkIndexMax } from '../../constants.js'
import type { ChunkLayout, ChunkLocation } from '../../wire/gen/client.js'
import { type ChunkHandle, handleText, type Ino, type ServerId, type SessionId } from '../../wire/ids.js'
import type { ChunkRecord } from '../chunk-table.js'
import type { BadReplicas } from './bad-replicas.js'
import { addressesOf, grantNewChunk, leaseMessage, placeServers } from './grant.js'
import type { Grants } from './grants.js'
import { isGood } from './lease-plan.js'
import type { Lease } from './leases.js'
import { locateCountMax, locateForWriteCountMax } from './limits.js'
import type { ReplicaAt } from './replicas.js'
import { isIncomplete, type Room } from './room.js'

export interface LocateQuestion {
  readonly ino: Ino
  readonly first: number
  readonly count: number
  readonly forWrite: boolean
  readonly session: SessionId
}

export class Layout {
  readonly #room: Room
  readonly #grants: Grants
  readonly #bad: BadReplicas

  constructor(room: Room, grants: Grants, bad: BadReplicas) {
    this.#room = room
    this.#grants = grants
    this.#bad = bad
  }

  /** @throws LeasefsError see ChunkService.locate */
  async locate(question: LocateQuestion): Promise<ChunkLayout> {
    checkQuestion(question)
    const { ino, first, count, forWrite } = question
    this.#traceAsk(question)
    const { table } = this.#room
    const before = new Set(table.chunksOf(ino, first, count).map(({ handle }) => this.#inForce(handle)?.leaseId))
    if (forWrite) await this.#allocate(ino, first, count)
    const chunks = table.chunksOf(ino, first, count)
    if (forWrite) await Promise.all(chunks.map(({ handle }) => this.#grants.lease(handle)))
    else await Promise.all(chunks.filter(chunk => this.#needsSettling(chunk)).map(chunk => this.#settle(chunk)))
    return this.#answer(question, before)
  }

  /** From here to the reply nothing is awaited: what is told is what holds when it is sent. */
  #answer(question: LocateQuestion, before: ReadonlySet<number | undefined>): ChunkLayout {
    const { ino, first, count, forWrite } = question
    const chunks: ChunkLocation[] = []
    for (let index = first; index < first + count; index++) {
      chunks.push({ index, handle: 0, version: 0, replicas: [], lease: undefined })
    }
    for (const record of this.#room.table.chunksOf(ino, first, count)) {
      const lease = this.#inForce(record.handle)
      if (forWrite && (!lease || lease.version !== record.version)) throw changed(record)
      const location = this.#location(record, lease)
      chunks[record.index - first] = location
      this.#traceReply(question, location, before.has(lease?.leaseId))
    }
    const hole = chunks.find(({ handle }) => handle === 0)
    if (forWrite && hole) throw new LeasefsError('UNAVAILABLE', `chunk ${hole.index} of inode ${ino} has been dropped`)
    return { chunks }
  }

  #location(record: ChunkRecord, lease: Lease | undefined): ChunkLocation {
    const { servers, replicas, doubts, clock } = this.#room
    const { index, handle, version } = record
    const serves = (at: ReplicaAt) => servers.session(at.server) && !doubts.concerns(handle, at.server)
    const here = replicas.of(handle).filter(at => at.version === version && serves(at))
    // Whoever applies mutations is named, also while its session is being renewed: the primary would miss it.
    const names = new Set(here.map(({ server }) => server))
    for (const id of lease?.secondaries ?? []) if (servers.standing(id) !== 'gone') names.add(id)
    const ordered = this.#bad.lastOf(handle, version, [...names])
    return {
      index,
      handle,
      version,
      replicas: addressesOf(this.#room, ordered),
      lease: lease && leaseMessage(lease, clock.now()),
    }
  }

  /**
   * No replica may be read as things are: a raise was cut short, or they may differ, or each may lack something. If all
   * are gone there is nothing to be done about it.
   */
  #needsSettling(record: ChunkRecord): boolean {
    const { doubts, replicas, servers } = this.#room
    const { handle, version, settledVersion } = record
    const mayServe = (at: ReplicaAt) => isGood(record, at.version) && servers.standing(at.server) !== 'gone'
    if (!isIncomplete(this.#room) && !replicas.of(handle).some(mayServe)) return false
    if (version !== settledVersion || doubts.isAmongAll(handle)) return true
    if (!doubts.has(handle)) return false
    const current = replicas.of(handle).filter(at => at.version === version)
    return current.every(({ server }) => doubts.concerns(handle, server))
  }

  #inForce(handle: ChunkHandle): Lease | undefined {
    const lease = this.#room.leases.current(handle, this.#room.clock.now())
    return lease && this.#room.servers.standing(lease.primary) !== 'gone' ? lease : undefined
  }

  /** Carries on with what stands between the chunk and its readers. */
  async #settle({ handle }: ChunkRecord): Promise<void> {
    try {
      await this.#grants.lease(handle)
    } catch (reason) {
      if (!(reason instanceof LeasefsError)) throw reason
      this.#room.log.warn({ handle: handleText(handle), err: reason }, 'a chunk has no replica that may be read')
    }
  }

  /** Makes the chunks that the file lacks. The only place that does: under the file's turn nobody else can have. */
  async #allocate(ino: Ino, first: number, count: number): Promise<void> {
    const { table, fileTurns } = this.#room
    if (table.chunksOf(ino, first, count).length === count) return
    await fileTurns.take(ino, async () => {
      const there = new Set(table.chunksOf(ino, first, count).map(({ index }) => index))
      const goal = table.goalOf(ino)
      const placed = new Map<number, ServerId[]>()
      for (let index = first; index < first + count; index++) {
        if (!there.has(index)) placed.set(index, this.#place(goal))
      }
      const wanted = [...placed].map(([index, servers]) => ({ index, replicaCount: servers.length, placed: servers }))
      if (wanted.length === 0) return
      for (const record of await table.allocate(ino, wanted)) {
        const servers = placed.get(record.index)
        if (servers && table.chunk(record.handle)) grantNewChunk(this.#room, record, servers)
      }
    })
  }

  /** @throws LeasefsError UNAVAILABLE (too few servers), NO_SPACE */
  #place(goal: number): ServerId[] {
    const servers = placeServers(this.#room, goal)
    const wanted = Math.min(this.#room.minReplicas, goal)
    if (servers.length >= wanted) return servers
    throw new LeasefsError('UNAVAILABLE', `${servers.length} servers take new chunks: at least ${wanted} are wanted`)
  }

  #traceAsk({ ino, first, count, forWrite, session }: LocateQuestion): void {
    this.#room.trace?.('locate.ask', { from: `client:${session}`, ino, first, count, forWrite })
  }

  #traceReply({ ino, forWrite, session }: LocateQuestion, location: ChunkLocation, inForce: boolean): void {
    const { handle, version, index, replicas, lease } = location
    this.#room.trace?.('locate.reply', {
      to: `client:${session}`,
      ino,
      index,
      forWrite,
      handle: handleText(handle),
      version,
      replicas: replicas.map(replica => replica.serverId),
      addresses: replicas.map(replica => replica.dataAddress),
      locations: replicas.map(replica => replica.location),
      ...(lease && {
        leaseId: lease.leaseId,
        primary: lease.primary,
        secondaries: lease.secondaries,
        remainingMs: lease.remainingMs,
        // False if this question had the lease granted.
        inForce,
      }),
    })
  }
}

function changed({ handle }: ChunkRecord): LeasefsError {
  return new LeasefsError('UNAVAILABLE', `chunk ${handleText(handle)} has just lost its primary`)
}

function checkQuestion({ first, count, forWrite }: LocateQuestion): void {
  const countMax = forWrite ? locateForWriteCountMax : locateCountMax
  if (!(first >= 0 && count > 0 && count <= countMax)) {
    throw new LeasefsError('INVALID_ARGUMENT', `cannot locate ${count} chunks from ${first}`)
  }
  if (first + count - 1 > chunkIndexMax) {
    throw new LeasefsError('FILE_TOO_LARGE', `chunk ${first + count - 1} is beyond the end of the largest file`)
  }
}
