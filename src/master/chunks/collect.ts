// Deletes replicas that no file needs: of chunks that were dropped, of chunks
// the master never heard of, and stale ones (GFS sections 4.4 and 4.5).
//
// A mistake here is the loss of data, so: never on a first report, but after a
// delay, and only if the replica is still unwanted then; never before the
// dropping is durable (a crash of the machine must not bring a file back
// without its bytes); never what this master may have lost the records of; never
// from a server that has seen a master with more records than this one has (and
// such a server refuses it itself); a few at a time.

import { LeasefsError } from '../../base/errors.js'
import { type ChunkHandle, handleText, type ServerId } from '../../wire/ids.js'
import { isGood } from './lease-plan.js'
import { collectScanMax, deletionsUnderWayMax, unwantedMax } from './limits.js'
import { endLease, type Room, tell } from './room.js'

interface Unwanted {
  readonly version: number
  readonly dueAt: number
}

export class Collector {
  readonly #room: Room
  readonly #orphanDelayMs: number
  readonly #unwanted = new Map<ServerId, Map<ChunkHandle, Unwanted>>()
  readonly #underWay = new Map<ServerId, number>()
  #noted = 0
  #unknown = { soFar: 0, lastPass: 0 }
  /** Where the scan goes on: a server after which, and the slot of its table. */
  #scan: { readonly server: ServerId; readonly cursor: number } | undefined

  constructor(room: Room, orphanDelayMs: number) {
    this.#room = room
    this.#orphanDelayMs = orphanDelayMs
  }

  /** Replicas that are kept since the records of their chunks may have been lost, as the last scan found. */
  get unknown(): number {
    return Math.max(this.#unknown.lastPass, this.#unknown.soFar)
  }

  /** These chunks are in no file any more, and the master's own journal says so: their replicas are due at once. */
  dropped(handles: readonly ChunkHandle[]): void {
    const { leases, replicas, creations, clock } = this.#room
    for (const handle of handles) {
      const lease = leases.current(handle, clock.now())
      if (lease) this.#revoke(lease.primary, handle, lease.leaseId)
      creations.end(handle)
      for (const { server, version } of replicas.of(handle)) this.#note(server, handle, version, clock.now())
    }
  }

  /** A duty: looks at some more replicas, and has those deleted that are due. */
  async collect(): Promise<void> {
    this.#scanSome()
    const due = this.#takeDue()
    if (due.length === 0) return
    await this.#room.namespace.synced()
    for (const { server, handle, version } of due) this.#delete(server, handle, version)
  }

  #revoke(server: ServerId, handle: ChunkHandle, leaseId: number): void {
    endLease(this.#room, handle, 'the chunk is dropped')
    tell(this.#room, server, { $case: 'revoke', value: { handle, leaseId } }).catch(reason => {
      if (!(reason instanceof LeasefsError)) throw reason
      this.#room.log.debug({ server, handle: handleText(handle), err: reason }, 'a lease was not revoked')
    })
  }

  /** Looks at the next replicas of one server; the next call goes on from there. */
  #scanSome(): void {
    const { servers, replicas, clock, table } = this.#room
    const serving = [...servers.all()].map(({ id }) => id).filter(id => servers.standing(id) === 'serving')
    const [first] = serving
    if (!first) return
    const { server, cursor } =
      this.#scan && serving.includes(this.#scan.server) ? this.#scan : { server: first, cursor: 0 }
    const { entries, next } = replicas.slice(server, cursor, collectScanMax)
    for (const [handle, version] of entries) {
      if (!table.chunk(handle) && table.mayBeLost(handle)) this.#unknown.soFar++
      if (this.#isUnwanted(handle, version)) this.#note(server, handle, version, clock.now() + this.#orphanDelayMs)
    }
    const after = serving[(serving.indexOf(server) + 1) % serving.length] ?? first
    if (next === undefined && after === first) this.#unknown = { soFar: 0, lastPass: this.#unknown.soFar }
    this.#scan = next === undefined ? { server: after, cursor: 0 } : { server, cursor: next }
  }

  /** No file has the chunk, or it has its goal of replicas without this one, which is stale. */
  #isUnwanted(handle: ChunkHandle, version: number): boolean {
    const { table, replicas, servers } = this.#room
    const record = table.chunk(handle)
    if (!record) return !table.mayBeLost(handle)
    if (isGood(record, version) || version > record.version) return false
    const current = replicas.of(handle).filter(at => at.version === record.version)
    return current.filter(at => servers.standing(at.server) === 'serving').length >= record.goal
  }

  /** The first time counts; what finds no room is found again by a later scan. */
  #note(server: ServerId, handle: ChunkHandle, version: number, dueAt: number): void {
    let ofServer = this.#unwanted.get(server)
    if (!ofServer) {
      ofServer = new Map()
      this.#unwanted.set(server, ofServer)
    }
    const known = ofServer.get(handle)
    if (known && known.version === version && known.dueAt <= dueAt) return
    if (!known && this.#noted >= unwantedMax) return
    if (!known) this.#noted++
    ofServer.set(handle, { version, dueAt })
  }

  /** What is due, still unwanted, and has room among the deletions under way. */
  #takeDue(): { server: ServerId; handle: ChunkHandle; version: number }[] {
    const { servers, replicas, clock } = this.#room
    const due: { server: ServerId; handle: ChunkHandle; version: number }[] = []
    for (const [server, noted] of this.#unwanted) {
      if (servers.standing(server) === 'gone') {
        this.#forget(server, noted.size)
        continue
      }
      const mayDelete = servers.standing(server) === 'serving' && !servers.get(server)?.seenLaterMaster
      let room = mayDelete ? deletionsUnderWayMax - (this.#underWay.get(server) ?? 0) : 0
      for (const [handle, { version, dueAt }] of noted) {
        if (dueAt > clock.now()) continue
        if (room === 0) break
        noted.delete(handle)
        this.#noted--
        if (replicas.versionAt(server, handle) !== version || !this.#isUnwanted(handle, version)) continue
        due.push({ server, handle, version })
        room--
      }
      if (noted.size === 0) this.#unwanted.delete(server)
    }
    return due
  }

  /** What a server holds that comes back is looked at anew. */
  #forget(server: ServerId, count: number): void {
    this.#unwanted.delete(server)
    this.#noted -= count
  }

  async #delete(server: ServerId, handle: ChunkHandle, version: number): Promise<void> {
    const { replicas, log } = this.#room
    this.#underWay.set(server, (this.#underWay.get(server) ?? 0) + 1)
    try {
      await tell(this.#room, server, { $case: 'delete', value: { handle, version } })
      replicas.remove(server, handle)
    } catch (reason) {
      if (!(reason instanceof LeasefsError)) throw reason
      log.debug({ server, handle: handleText(handle), err: reason }, 'a replica was not deleted; a later scan finds it')
    } finally {
      const left = (this.#underWay.get(server) ?? 1) - 1
      if (left === 0) this.#underWay.delete(server)
      else this.#underWay.set(server, left)
    }
  }
}
