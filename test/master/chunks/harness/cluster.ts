// The chunk room of a master on simulated time and network, with scripted
// chunkservers around it.

import type { Test } from 'tap'
import { silentLog } from '../../../../src/base/log.js'
import { SeededRandom } from '../../../../src/base/random.js'
import { SimulatedClock } from '../../../../src/base/simulated-clock.js'
import type { TraceEvent, TraceFields } from '../../../../src/base/trace.js'
import { leaseMs, serverLeaseMs } from '../../../../src/constants.js'
import type { Namespace } from '../../../../src/master/chunk-service.js'
import { Chunks } from '../../../../src/master/chunks/chunks.js'
import type { ControlServer } from '../../../../src/rpc/control-network.js'
import { MemoryControlNetwork } from '../../../../src/rpc/memory-network.js'
import type { ChunkLocation } from '../../../../src/wire/gen/client.js'
import { Attributes } from '../../../../src/wire/gen/common.js'
import { MasterService } from '../../../../src/wire/gen/services.js'
import type { ClusterId, Ino, SessionId } from '../../../../src/wire/ids.js'
import { type FakeOptions, FakeServer, masterAddress } from './fake-server.js'
import { MemoryChunkTable } from './memory-chunk-table.js'
import { MemoryServerTable } from './memory-server-table.js'

export const orphanDelayMs = 20_000

/** An event as a trace has it. */
export type Traced = TraceFields & { readonly event: TraceEvent; readonly at: number }

export interface MasterChoices {
  readonly repairDelayMs?: number
  readonly maintenanceMs?: number
  readonly minReplicas?: number
}

export class FakeCluster implements Namespace {
  readonly clock = new SimulatedClock()
  readonly network = new MemoryControlNetwork(this.clock)
  readonly table = new MemoryChunkTable()
  readonly serverTable = new MemoryServerTable()
  readonly events: Traced[] = []
  readonly invalidated: number[] = []
  readonly servers: FakeServer[] = []
  readonly sessionCount = 2
  syncs = 0
  /** Of the master, where they matter to the test. */
  options: MasterChoices = {}
  /** How long clients take to give back what they cache. */
  invalidateMs = 0
  chunks!: Chunks
  #port: ControlServer | undefined

  /** With `count` chunkservers, past the time in which absence proves nothing. */
  static async start(t: Test, count = 0, options: MasterChoices = {}): Promise<FakeCluster> {
    const cluster = new FakeCluster()
    cluster.options = options
    await cluster.startMaster()
    t.teardown(() => cluster.close())
    for (let i = 0; i < count; i++) await cluster.addServer({ id: `s${i + 1}` })
    await cluster.clock.advance(serverLeaseMs + 500)
    return cluster
  }

  async startMaster(): Promise<void> {
    this.chunks = new Chunks({
      clusterId: 'the-cluster' as ClusterId,
      table: this.table,
      namespace: this,
      serverTable: this.serverTable,
      network: this.network,
      clock: this.clock,
      random: new SeededRandom(7),
      log: silentLog,
      trace: (event, fields) => this.events.push({ event, at: this.clock.now(), ...fields }),
      leaseMs,
      goal: 3,
      orphanDelayMs,
      ...this.options,
    })
    this.#port = await this.network.serve(masterAddress, this.chunks.handlers())
  }

  /** The master dies, and starts again with what was journaled. */
  async restartMaster(): Promise<void> {
    for (const server of this.servers) server.cut()
    await this.close()
    this.table.masterEpoch++
    await this.startMaster()
  }

  async close(): Promise<void> {
    await this.#port?.close()
    await this.chunks.close()
  }

  async addServer(options: FakeOptions): Promise<FakeServer> {
    const server = new FakeServer(options, this.network, this.clock)
    this.servers.push(server)
    await server.start()
    await this.clock.advance(0)
    return server
  }

  server(id: string): FakeServer {
    const server = this.servers.find(server => server.id === id)
    if (!server) throw new Error(`no server ${id}`)
    return server
  }

  /** Asks for one chunk, for writing, and lets time pass until the answer. */
  async write(ino: Ino, index = 0, waitMs = 8_000): Promise<ChunkLocation> {
    return await this.ask(ino, index, true, waitMs)
  }

  async read(ino: Ino, index = 0, waitMs = 8_000): Promise<ChunkLocation> {
    return await this.ask(ino, index, false, waitMs)
  }

  async ask(ino: Ino, index: number, forWrite: boolean, waitMs: number): Promise<ChunkLocation> {
    const { chunks } = await this.until(this.chunks.locate(ino, index, 1, forWrite, 9 as SessionId), waitMs)
    const [chunk] = chunks
    if (!chunk) throw new Error('an empty layout')
    return chunk
  }

  /** The outcome of something that needs simulated time; no longer than `waitMs` of it. */
  async until<T>(outcome: Promise<T>, waitMs = 8_000): Promise<T> {
    let settled = false
    const mark = () => {
      settled = true
    }
    outcome.then(mark, mark)
    for (let waited = 0; !settled; waited += 10) {
      if (waited > waitMs) throw new Error(`nothing within ${waitMs} ms`)
      await this.clock.advance(waited === 0 ? 0 : 10)
    }
    return await outcome
  }

  traced(event: TraceEvent): Traced[] {
    return this.events.filter(traced => traced.event === event)
  }

  async status() {
    const peer = this.network.connect(masterAddress)
    const reply = await this.until(peer.call(MasterService.status, {}, { timeoutMs: 1000 }))
    peer.close()
    return reply
  }

  attributes(ino: Ino): Attributes {
    const goal = this.table.goalOf(ino)
    return { ...Attributes.decode(new Uint8Array()), ino, goal }
  }

  resolvePath(path: Buffer): Attributes {
    return this.attributes(Number(path.toString().replace('/', '')) as Ino)
  }

  isDeleted(): boolean {
    return false
  }

  async invalidate(ino: Ino): Promise<void> {
    if (this.invalidateMs > 0) await this.clock.sleep(this.invalidateMs)
    this.invalidated.push(ino)
  }

  async synced(): Promise<void> {
    this.syncs++
  }
}
