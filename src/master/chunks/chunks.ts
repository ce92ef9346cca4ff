// The chunk half of the master, put together: chunkservers' sessions, where
// replicas are, leases, placement, and the background duties. What it may
// assume of the other half is in chunk-service.ts and chunk-table.ts.

import { errorCodeOf, LeasefsError } from '../../base/errors.js'
import { type ControlNetwork, type Handler, stream, unary } from '../../rpc/control-network.js'
import type { MasterDiskStatus, TrashStatus } from '../../wire/gen/admin.js'
import type { ChunkLayout, ReportReplica } from '../../wire/gen/client.js'
import { MasterService } from '../../wire/gen/services.js'
import type { ChunkHandle, Ino, SessionId } from '../../wire/ids.js'
import type { ChunkService } from '../chunk-service.js'
import { reservedBytesMax, reservedBytesMin, reservedPart } from '../trash/limits.js'
import { locateFile, status } from './admin.js'
import { BadReplicas } from './bad-replicas.js'
import { checkHandle, checkServerId } from './checks.js'
import { ChunkserverSession } from './chunkserver-session.js'
import { Collector } from './collect.js'
import { every } from './duty.js'
import { Grants } from './grants.js'
import { Layout } from './layout.js'
import { Levelling } from './levelling.js'
import { collectMs, orphanDelayMs, watchMs } from './limits.js'
import { Mending } from './mending.js'
import { Care } from './repair/care.js'
import { type Limits, limitsDefault, stepMs } from './repair/limits.js'
import { openRoom, type Room, type RoomOptions } from './room.js'
import { startScrubs } from './scrub.js'
import { ServerWatch } from './server-watch.js'

export interface ChunksOptions extends RoomOptions {
  readonly network: ControlNetwork
  /** Replicas that a new file wants, for status. */
  readonly goal: number
  /** How long a replica that no file has is kept, from when it was first seen to be one. */
  readonly orphanDelayMs?: number
  /** How much is copied at a time. */
  readonly copyLimits?: Limits | undefined
  /** What the trash has, for status. */
  readonly trash?: () => TrashStatus
  /** How the disk of the master is, for status. */
  readonly disk?: () => MasterDiskStatus
}

export class Chunks implements ChunkService {
  readonly #room: Room
  readonly #goal: number
  readonly #trash: (() => TrashStatus) | undefined
  readonly #disk: (() => MasterDiskStatus) | undefined
  readonly #bad = new BadReplicas()
  readonly #layout: Layout
  readonly #collector: Collector
  readonly #watch: ServerWatch
  readonly #care: Care
  readonly #sessions = new Set<ChunkserverSession>()
  readonly #stop = new AbortController()
  readonly #duties: Promise<unknown>

  /** Its duties run from here on, until close(). */
  constructor(options: ChunksOptions) {
    const { signal } = this.#stop
    this.#room = openRoom(options, signal)
    this.#goal = options.goal
    this.#trash = options.trash
    this.#disk = options.disk
    const grants = new Grants(this.#room)
    const levelling = new Levelling(this.#room, grants)
    const mending = new Mending(this.#room)
    this.#layout = new Layout(this.#room, grants, this.#bad)
    this.#collector = new Collector(this.#room, options.orphanDelayMs ?? orphanDelayMs)
    this.#watch = new ServerWatch(this.#room, options.network)
    const awaited = () => grants.awaited()
    const settle = async (handle: ChunkHandle) => void (await grants.lease(handle))
    this.#care = new Care(this.#room, { limits: options.copyLimits ?? limitsDefault, awaited, settle })
    this.#duties = Promise.all([
      every(stepMs, options.clock, signal, () => this.#care.step()),
      every(watchMs, options.clock, signal, () => this.#watch.look()),
      every(watchMs, options.clock, signal, () => levelling.look()),
      every(watchMs, options.clock, signal, () => mending.look()),
      every(collectMs, options.clock, signal, () => this.#collect()),
    ])
  }

  /** What is known of chunks and servers, for whoever looks at the whole. */
  get room(): Room {
    return this.#room
  }

  /** What is missing is made at once: nobody waits for servers that may come back. */
  repairNow(): void {
    this.#care.repairNow('')
  }

  async locate(ino: Ino, first: number, count: number, forWrite: boolean, session: SessionId): Promise<ChunkLayout> {
    return await this.#layout.locate({ ino, first, count, forWrite, session })
  }

  async report({ handle, version, serverId, code }: ReportReplica): Promise<void> {
    const chunk = checkHandle(handle)
    const server = checkServerId(serverId)
    this.#room.warner.warn({ server, handle, version, code: errorCodeOf(code) }, 'a client could not read a replica')
    this.#bad.note(server, chunk, version)
    // Looked into in the background: the client goes on with another replica.
    if (code === 'UNAVAILABLE') this.#watch.inquire(server)
  }

  space(): { readonly totalBytes: number; readonly freeBytes: number } {
    let totalBytes = 0
    let freeBytes = 0
    for (const server of this.#room.servers.all()) {
      if (server.state.kind !== 'connected') continue
      totalBytes += server.totalBytes
      freeBytes += server.freeBytes
    }
    return { totalBytes, freeBytes }
  }

  /** How many bytes are missing on servers that are nearly full for them not to be. */
  shortage(): number {
    let bytes = 0
    for (const { state, totalBytes, freeBytes } of this.#room.servers.all()) {
      if (state.kind !== 'connected') continue
      const reserved = Math.min(Math.max(totalBytes * reservedPart, reservedBytesMin), reservedBytesMax)
      bytes += Math.max(0, Math.ceil(reserved) - freeBytes)
    }
    return bytes
  }

  dropped(handles: readonly ChunkHandle[]): void {
    this.#collector.dropped(handles)
  }

  /** Files want more replicas, or fewer, than before. */
  goalsChanged(): void {
    this.#care.lookAgain()
  }

  handlers(): readonly Handler[] {
    return [
      stream(MasterService.chunkserverSession, opened => {
        const session: ChunkserverSession = new ChunkserverSession(this.#room, opened, {
          silent: server => this.#watch.silent(server),
          closed: () => this.#sessions.delete(session),
        })
        this.#sessions.add(session)
        session.start()
      }),
      unary(MasterService.status, () =>
        status(this.#room, {
          goal: this.#goal,
          repair: this.#care.status(),
          trash: this.#trash?.(),
          disk: this.#disk?.(),
          unknownReplicas: this.#collector.unknown,
        }),
      ),
      ...this.#care.handlers(),
      unary(MasterService.scrub, async request => await startScrubs(this.#room, request)),
      unary(MasterService.locate, async request => locateFile(this.#room, request)),
    ]
  }

  async close(): Promise<void> {
    this.#stop.abort()
    for (const session of this.#sessions) session.close(new LeasefsError('CANCELLED', 'the master is going down'))
    this.#room.changes.announce()
    await Promise.all([this.#duties, this.#room.turns.idle(), this.#room.fileTurns.idle()])
  }

  async #collect(): Promise<void> {
    try {
      await this.#collector.collect()
    } catch (reason) {
      if (!(reason instanceof LeasefsError)) throw reason
      this.#room.log.error({ err: reason }, 'nothing is collected while the journal cannot be synced')
    }
  }
}
