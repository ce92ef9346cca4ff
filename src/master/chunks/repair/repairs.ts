// The duty that sees to it that each chunk has as many replicas as it wants,
// and none on servers that are to be emptied. It finds work by walking the
// table of chunks, a slice at a time, and starts as much of it as the limits
// allow, the most urgent first. What is to be done with a chunk is decided when
// it is begun (need.ts), and again before it takes effect (move.ts).

import { LeasefsError } from '../../../base/errors.js'
import { type ChunkHandle, handleText, type ServerId } from '../../../wire/ids.js'
import type { ChunkRecord } from '../../chunk-table.js'
import { levelsAtOnceMax } from '../limits.js'
import { wasNeverMade } from '../never-made.js'
import type { Candidate } from '../placement.js'
import { isIncomplete, type Room } from '../room.js'
import { CopySlots } from './copy-slots.js'
import { type Kind, type Limits, noticeMs, scanChunks, scanChunksUrgent, triesPerStep } from './limits.js'
import { moveReplica } from './move.js'
import { type ChunkView, type Holder, type Need, needOf, urgencyOf } from './need.js'
import { RepairQueue } from './queue.js'
import { Retries } from './retries.js'
import { Surplus } from './surplus.js'
import { Tally } from './tally.js'
import { chooseTarget } from './target.js'
import { bytesOf, isDeleted, isGoodHolder, takersOf, viewOf } from './view.js'

/** Urgency up to which a chunk does not wait for servers to come back: one copy is left. */
const lastCopies = urgencyOf({ copies: 1, deleted: true })
const anyUrgency = Number.POSITIVE_INFINITY

export interface RepairsOptions {
  readonly limits: Limits
  /** Chunks that a client waits for. */
  readonly awaited: () => Iterable<ChunkHandle>
  /** Makes the chunk's replicas level under a version in use. @throws LeasefsError */
  readonly settle: (handle: ChunkHandle) => Promise<void>
}

/** What came of an attempt to begin: it is under way, it must wait, or no server can take the replica. */
export type Begun = 'begun' | 'busy' | 'nowhere'

export class Repairs {
  readonly tally: Tally
  readonly slots: CopySlots
  readonly #room: Room
  readonly #options: RepairsOptions
  readonly #queue = new RepairQueue(() => this.#room.clock.now())
  readonly #retries = new Retries()
  readonly #surplus: Surplus
  readonly #underWay = new Set<ChunkHandle>()
  #scan: Iterator<ChunkRecord> | undefined
  /** Passes over the table that are to be made without delay, the one under way included. */
  #urgentPasses = 0
  #nowhere = { soFar: 0, lastPass: 0 }
  #changesSeen = 0
  /** Until then nobody is waited for. */
  #hurriesUntil = Number.NEGATIVE_INFINITY
  /** Servers that take replicas, as of this step. */
  #takers: readonly Candidate[] = []

  constructor(room: Room, options: RepairsOptions) {
    this.#room = room
    this.#options = options
    this.slots = new CopySlots(options.limits)
    this.tally = new Tally(room.clock)
    this.#surplus = new Surplus(room)
  }

  /** Chunks that wait to be copied. */
  get queued(): number {
    return this.#queue.size
  }

  /** Chunks below their goal for which there is no server, as the last scan found. */
  get withoutTarget(): number {
    return Math.max(this.#nowhere.lastPass, this.#nowhere.soFar)
  }

  /** Something has happened that may concern any chunk: all of them are looked at soon. */
  lookAgain(): void {
    // The pass under way may have been where it matters already.
    this.#urgentPasses = this.#scan ? 2 : 1
  }

  /** An operator does not want to wait for servers to come back, nor for the next attempt. */
  hurry(): void {
    this.#retries.clear()
    this.#hurriesUntil = this.#room.clock.now() + noticeMs
    this.lookAgain()
  }

  /** A duty. */
  step(): void {
    const { clock, absences, changes } = this.#room
    this.#forgetExpected()
    if (changes.count !== this.#changesSeen) this.lookAgain()
    this.#changesSeen = changes.count
    if (isIncomplete(this.#room)) return
    this.#takers = takersOf(this.#room)
    this.#scanSome()
    const now = clock.now()
    if (now < absences.silentUntil) return
    const urgencyMax = now < absences.holdsUntil ? lastCopies : anyUrgency
    for (const handle of this.#options.awaited()) this.#tryQueued(handle, urgencyMax)
    if (this.slots.anyFree('repair')) {
      for (const handle of this.#queue.first(triesPerStep, urgencyMax)) this.#tryQueued(handle, urgencyMax)
    }
    this.#surplus.step()
  }

  /** Begins to copy the chunk if `kind` has room for it. */
  begin(kind: Kind, view: ChunkView, takers: readonly Candidate[], instead?: ServerId): Begun {
    const { record, holders } = view
    const { handle } = record
    if (this.#underWay.has(handle) || !this.#retries.mayTry(handle, this.#room.clock.now())) return 'busy'
    const good = holders.filter(holder => isGoodHolder(record, holder))
    const readable = good.filter(holder => this.#isReadable(record, holder))
    if (readable.length === 0) {
      this.#settle(handle)
      return 'busy'
    }
    const leaving = readable.filter(({ server, draining }) => draining || server === instead)
    const room = takers.filter(({ freeBytes }) => freeBytes > bytesOf(record))
    const target = chooseTarget(
      {
        takers: room.filter(({ id }) => this.slots.freeIn(kind, id)),
        staying: good,
        stale: new Set(holders.filter(holder => !isGoodHolder(record, holder)).map(({ server }) => server)),
        copies: good.length,
      },
      this.#room.random,
    )
    const isHolder = ({ id }: Candidate) => good.some(({ server }) => server === id)
    if (!target) return room.every(isHolder) ? 'nowhere' : 'busy'
    // A server that is to be emptied can as well do this.
    const sources = [...leaving, ...readable].filter(({ server }) => this.slots.freeOut(kind, server))
    const [source] = sources.sort((a, b) => this.slots.outOf(kind, a.server) - this.slots.outOf(kind, b.server))
    if (!source || !this.slots.anyFree(kind)) return 'busy'
    const move = { handle, source: source.server, target, bytesPerSecond: this.slots.bytesPerSecond(kind) }
    this.#run(kind, record, instead === undefined ? move : { ...move, instead })
    return 'begun'
  }

  /** Of a version that is in use, and not in doubt: bytes can be fetched from it. */
  #isReadable({ handle, version, settledVersion }: ChunkRecord, holder: Holder): boolean {
    return (
      holder.version === version && version === settledVersion && !this.#room.doubts.concerns(handle, holder.server)
    )
  }

  /** A crash has left the chunk half way to another version, or all its replicas in doubt, and nobody has asked for it since. */
  async #settle(handle: ChunkHandle): Promise<void> {
    this.#underWay.add(handle)
    try {
      await this.#options.settle(handle)
    } catch (reason) {
      if (!(reason instanceof LeasefsError)) throw reason
      this.#retries.failed(handle, this.#room.clock.now())
      this.#room.log.warn({ handle: handleText(handle), err: reason }, 'a chunk that is to be copied is not in order')
    } finally {
      this.#underWay.delete(handle)
    }
  }

  async #run(kind: Kind, record: ChunkRecord, move: Parameters<typeof moveReplica>[1]): Promise<void> {
    const { handle, source, target } = move
    const { log, clock, servers } = this.#room
    const release = this.slots.take(kind, source, target)
    this.#underWay.add(handle)
    servers.placed(target, bytesOf(record))
    log.debug({ handle: handleText(handle), kind, from: source, to: target }, 'a replica is being copied')
    try {
      await moveReplica(this.#room, move)
      this.#retries.succeeded(handle)
      this.tally.copied(kind, bytesOf(record))
    } catch (reason) {
      if (!(reason instanceof LeasefsError)) throw reason
      if (reason.code !== 'CHANGED') {
        this.tally.failed()
        this.#retries.failed(handle, clock.now())
        log.warn(
          { handle: handleText(handle), kind, from: source, to: target, err: reason },
          'a replica was not copied',
        )
      }
    } finally {
      release()
      this.#underWay.delete(handle)
      this.#noteAgain(handle)
    }
  }

  /** It may want another one. */
  #noteAgain(handle: ChunkHandle): void {
    const record = this.#room.table.chunk(handle)
    if (record && !this.#room.closing.aborted) this.#note(record)
  }

  #scanSome(): void {
    const count = this.#urgentPasses > 0 ? scanChunksUrgent : scanChunks
    this.#scan ??= this.#room.table.all()[Symbol.iterator]()
    for (let looked = 0; looked < count; looked++) {
      const { done, value } = this.#scan.next()
      if (done) {
        this.#scan = undefined
        this.#urgentPasses = Math.max(0, this.#urgentPasses - 1)
        this.#nowhere = { soFar: 0, lastPass: this.#nowhere.soFar }
        return
      }
      this.#note(value)
    }
  }

  #note(record: ChunkRecord): void {
    const view = viewOf(this.#room, record)
    const need = needOf(view)
    if (need.kind === 'copy') this.#noteCopy(view, need)
    else this.#queue.delete(record.handle)
    if (need.kind === 'lost') this.#makeAgain(record)
    if (need.kind === 'surplus') this.#surplus.note(record.handle, need.draining)
  }

  /** A crash has left the chunk without any replica, and nobody has asked for it since. */
  #makeAgain(record: ChunkRecord): void {
    const { handle } = record
    if (this.#underWay.has(handle) || this.#underWay.size >= levelsAtOnceMax) return
    if (wasNeverMade(this.#room, record) && this.#retries.mayTry(handle, this.#room.clock.now())) this.#settle(handle)
  }

  #noteCopy({ record, holders }: ChunkView, { copies }: Need & { kind: 'copy' }): void {
    const good = new Set(holders.filter(holder => isGoodHolder(record, holder)).map(({ server }) => server))
    if (this.#takers.every(({ id }) => good.has(id))) {
      this.#nowhere.soFar++
      this.#queue.delete(record.handle)
    } else {
      this.#queue.put(record.handle, this.#urgency(record, copies))
    }
  }

  /** One with too few copies to take writes is as urgent as one with its last. */
  #urgency(record: ChunkRecord, copies: number): number {
    const few = copies < Math.min(this.#room.minReplicas, record.goal)
    return urgencyOf({ copies: few ? 1 : copies, deleted: isDeleted(this.#room, record) })
  }

  /** Begins the repair of a chunk that wants it, if that is urgent enough now. */
  #tryQueued(handle: ChunkHandle, urgencyMax: number): void {
    const record = this.#room.table.chunk(handle)
    const view = record && viewOf(this.#room, record)
    const need = view && needOf(view)
    if (need?.kind === 'wait') {
      this.#queue.postpone(handle)
      return
    }
    if (!view || need?.kind !== 'copy') {
      this.#queue.delete(handle)
      return
    }
    const { copies } = need
    const urgency = this.#urgency(view.record, copies)
    // Just now: the server may be about to be found silent, and then is waited for, unless an operator has said not to.
    const hurries = this.#room.clock.now() < this.#hurriesUntil
    const settled = hurries || urgency <= lastCopies || this.#queue.notedFor(handle) >= noticeMs
    if (urgency <= urgencyMax && settled && this.begin('repair', view, this.#takers) === 'begun')
      this.#queue.delete(handle)
    else this.#queue.postpone(handle)
  }

  /** Servers that said goodbye and did not come back in time are like others that are gone. */
  #forgetExpected(): void {
    const { replicas, absences, clock } = this.#room
    for (const id of replicas.away()) {
      if (absences.expectedUntil(id, clock.now()) !== undefined) continue
      replicas.forgetAway(id)
      this.lookAgain()
    }
  }
}
