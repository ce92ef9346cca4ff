// Real chunkservers in one process, on networks and disks in memory, under a
// master that does as the test says.

import assert from 'node:assert/strict'
import { crc32 } from '@node-rs/crc32'
import type { Test } from 'tap'
import type { DataDirectory, Identity } from '../../src/base/data-directory.js'
import { deferred } from '../../src/base/deferred.js'
import { silentLog } from '../../src/base/log.js'
import { SeededRandom } from '../../src/base/random.js'
import { SimulatedClock } from '../../src/base/simulated-clock.js'
import type { Trace, TraceEvent, TraceFields } from '../../src/base/trace.js'
import { type Chunkserver, startChunkserver } from '../../src/chunkserver/daemon.js'
import type { ChunkStore } from '../../src/chunkserver/store/chunk-store.js'
import { MemoryDisk, MemoryStore } from '../../src/chunkserver/store/memory-store.js'
import { leaseMs as leaseMsDefault, serverLeaseMs } from '../../src/constants.js'
import { createDataClient } from '../../src/dataplane/data-client.js'
import type { DataClient, PushOutcome } from '../../src/dataplane/data-plane.js'
import { MemoryByteNetwork } from '../../src/dataplane/memory-network.js'
import { type ControlNetwork, type ControlStream, stream } from '../../src/rpc/control-network.js'
import { MemoryControlNetwork } from '../../src/rpc/memory-network.js'
import { type Address, addressText, parseAddress } from '../../src/wire/address.js'
import type {
  ChunkserverToMaster,
  Command,
  CommandDone,
  MasterToChunkserver,
  Register,
  ReplicasFailed,
} from '../../src/wire/gen/chunkserver.js'
import type { ServerAddress } from '../../src/wire/gen/common.js'
import type { ClientToPrimary, Committed, Mutation, PrimaryToClient } from '../../src/wire/gen/mutation.js'
import { ChunkserverService, MasterService } from '../../src/wire/gen/services.js'
import type { MasterHistory, MasterSeen } from '../../src/wire/history.js'
import type { ChunkHandle, SessionId } from '../../src/wire/ids.js'

export const clusterId = 'cluster-1'
export const handle = 0xa1 as ChunkHandle
const localhost = { host: '127.0.0.1', port: 0 }

type Session = ControlStream<MasterToChunkserver, ChunkserverToMaster>
type CommandBody = NonNullable<Command['command']>

/** What a server has said on its latest session. */
interface Seen {
  readonly session: Session
  readonly register: Register
  readonly messages: NonNullable<ChunkserverToMaster['message']>[]
}

/** Registers everyone and acknowledges heartbeats; all else is the test's. */
export class FakeMaster {
  address: Address = { host: '127.0.0.1', port: 0 }
  readonly seen = new Map<string, Seen>()
  clusterId = clusterId
  leaseMs: number = leaseMsDefault
  /** Refuses registrations with this code. */
  refusing: string | undefined
  /** Answers heartbeats, and extends what they ask. */
  answering = true
  onFailed: (server: string, failed: ReplicasFailed) => void = () => {}
  /** Whether it says that another server has room for a replica. */
  roomElsewhere = false
  /** What it says of its records. */
  history: MasterHistory | undefined
  readonly #network: ControlNetwork
  readonly #done = new Map<number, (done: CommandDone) => void>()
  #lastNumber = 0
  #close = async () => {}

  constructor(network: ControlNetwork) {
    this.#network = network
  }

  async start(): Promise<void> {
    const handlers = [stream(MasterService.chunkserverSession, (session: Session) => this.#serve(session))]
    const server = await this.#network.serve(this.address, handlers)
    this.address = server.address
    this.#close = () => server.close()
  }

  async stop(): Promise<void> {
    await this.#close()
  }

  said<Case extends NonNullable<ChunkserverToMaster['message']>['$case']>(server: string, $case: Case) {
    type Said = Extract<NonNullable<ChunkserverToMaster['message']>, { $case: Case }>['value']
    const messages = this.seen.get(server)?.messages ?? []
    return messages.filter(message => message.$case === $case).map(({ value }) => value as Said)
  }

  /** Sends a command; resolves to its answer's code, "OK" if there is no failure. */
  async command(server: string, command: CommandBody): Promise<string> {
    const number = ++this.#lastNumber
    const done = deferred<CommandDone>()
    this.#done.set(number, done.resolve)
    this.send(server, { $case: 'command', value: { number, command } })
    return (await done.promise).failure?.code ?? 'OK'
  }

  send(server: string, message: NonNullable<MasterToChunkserver['message']>): void {
    this.seen.get(server)?.session.send({ message })
  }

  serverAddress(server: string): ServerAddress {
    const address = this.seen.get(server)?.register.server
    if (!address) throw new Error(`${server} has not registered`)
    return address
  }

  #serve(session: Session): void {
    session.onMessage(({ message }) => {
      if (message?.$case === 'register') this.#register(session, message.value)
      const seen = [...this.seen.values()].find(one => one.session === session)
      if (!message || !seen) return
      seen.messages.push(message)
      if (message.$case === 'done') this.#done.get(message.value.number)?.(message.value)
      if (message.$case === 'failed') this.onFailed(seen.register.server?.serverId ?? '', message.value)
      if (message.$case !== 'heartbeat' || !this.answering) return
      const { number, extend } = message.value
      const { roomElsewhere } = this
      session.send({ message: { $case: 'heartbeatAck', value: { number, extended: extend, roomElsewhere } } })
    })
  }

  #register(session: Session, register: Register): void {
    this.seen.set(register.server?.serverId ?? '', { session, register, messages: [] })
    const foreign = register.clusterId !== '' && register.clusterId !== this.clusterId
    const code = foreign ? 'WRONG_CLUSTER' : this.refusing
    const failure = code === undefined ? undefined : { code, message: 'refused' }
    const value = { clusterId: this.clusterId, serverLeaseMs, leaseMs: this.leaseMs, history: this.history, failure }
    session.send({ message: { $case: 'registered', value } })
  }
}

export interface TestServer {
  readonly id: string
  readonly server: Chunkserver
  readonly disk: MemoryDisk
  readonly directory: DataDirectory
}

export interface TracedEvent extends TraceFields {
  readonly who: string
  readonly event: TraceEvent
}

export class TestCluster {
  readonly clock = new SimulatedClock()
  readonly random = new SeededRandom(1)
  readonly control = new MemoryControlNetwork(this.clock)
  readonly data = new MemoryByteNetwork(this.clock)
  readonly master = new FakeMaster(this.control)
  readonly servers: TestServer[] = []
  readonly events: TracedEvent[] = []
  readonly #t: Test

  constructor(t: Test) {
    this.#t = t
  }

  static async start(t: Test, serverCount: number): Promise<TestCluster> {
    const cluster = new TestCluster(t)
    await cluster.master.start()
    for (let index = 0; index < serverCount; index++) await cluster.addServer(`s${index}`)
    return cluster
  }

  async addServer(
    id: string,
    { disk = new MemoryDisk(), wrap = store => store, identity = {} }: ServerSettings = {},
  ): Promise<TestServer> {
    const directory = memoryDirectory({ kind: 'chunkserver', formatVersion: 1, serverId: id, clusterId, ...identity })
    const trace: Trace = (event, fields) => this.events.push({ who: id, event, ...fields })
    const server = await startChunkserver({
      dataDirectory: directory,
      store: wrap(new MemoryStore(disk)),
      master: this.master.address,
      listen: localhost,
      dataListen: localhost,
      location: { dc: 'a', rack: 'b', host: id },
      ...{ control: this.control, data: this.data, clock: this.clock, random: this.random, log: silentLog, trace },
    })
    const added = { id, server, disk, directory }
    this.servers.push(added)
    this.#t.teardown(() => this.until(server.close()))
    await Promise.race([server.ready, server.closed])
    return added
  }

  /** The server added at this place. */
  at(index: number): TestServer {
    const server = this.servers[index]
    assert(server)
    return server
  }

  addressOf(index: number): Address {
    return this.at(index).server.address
  }

  /** Lets simulated time pass until the promise is settled. */
  async until<T>(promise: Promise<T>): Promise<T> {
    let settled = false
    const done = () => {
      settled = true
    }
    promise.then(done, done)
    for (let round = 0; round < 2000 && !settled; round++) await this.clock.advance(round < 10 ? 1 : 50)
    return await promise
  }

  /** Makes the chunk on all servers, the first one its primary. */
  async createChunk(version = 1, leaseId = 1, chunk = handle): Promise<void> {
    const [primary, ...secondaries] = this.servers.map(({ id }) => id)
    for (const id of secondaries) await this.master.command(id, { $case: 'create', value: { handle: chunk, version } })
    await this.grant(primary ?? '', secondaries, { version, leaseId, create: true, chunk })
  }

  grant(
    primary: string,
    secondaries: string[],
    { version = 1, leaseId = 1, create = false, remainingMs = this.master.leaseMs, chunk = handle } = {},
  ): Promise<string> {
    const addresses = secondaries.map(id => this.master.serverAddress(id))
    const lease = { leaseId, primary, secondaries, remainingMs }
    const value = { handle: chunk, version, lease, secondaries: addresses, create }
    return this.master.command(primary, { $case: 'grant', value })
  }

  client(session: number): TestClient {
    const client = new TestClient(this, session)
    this.#t.teardown(() => client.close())
    return client
  }

  /** Bytes of the replicas, as their disks have them. */
  async contents(chunk = handle): Promise<string[]> {
    return await Promise.all(
      this.servers.map(async ({ disk }) => {
        const { buffers } = await new MemoryStore(disk).read(chunk, 0, 2 ** 26)
        return Buffer.concat(buffers).toString('latin1')
      }),
    )
  }

  traced(event: TraceEvent, who?: string): TracedEvent[] {
    return this.events.filter(one => one.event === event && (who === undefined || one.who === who))
  }
}

export interface ServerSettings {
  readonly disk?: MemoryDisk
  /** Puts a store with faults around the one in memory. */
  readonly wrap?: (store: ChunkStore) => ChunkStore
  readonly identity?: { clusterId?: string; masterSeen?: MasterSeen }
}

export class TestClient {
  readonly #cluster: TestCluster
  readonly #session: SessionId
  readonly #data: DataClient
  readonly #streams = new Map<string, ControlStream<ClientToPrimary, PrimaryToClient>>()
  readonly #waiting = new Map<number, (committed: Committed) => void>()
  #lastCounter = 0
  #lastNumber = 0

  constructor(cluster: TestCluster, session: number) {
    this.#cluster = cluster
    this.#session = session as SessionId
    this.#data = createDataClient({ network: cluster.data, clock: cluster.clock, log: silentLog })
  }

  newId(): { client: SessionId; counter: number } {
    return { client: this.#session, counter: ++this.#lastCounter }
  }

  write(offset: number, length: number, id = this.newId()): Mutation & { id: { client: number; counter: number } } {
    return { id, kind: { $case: 'write', value: { offset, length } } }
  }

  /** Pushes to these servers, in a chain; by default to all of them. */
  push(id: { client: number; counter: number }, bytes: Buffer, to = this.#cluster.servers): Promise<PushOutcome> {
    const chain = to.map(({ server }) => server.dataAddress)
    const dataId = { client: id.client as SessionId, counter: id.counter }
    return this.#data.push({ id: dataId, chain, buffers: [bytes], length: bytes.length, crc32: crc32(bytes) })
  }

  /** Sends a commit to a server, the first one by default. */
  commit(mutations: Mutation[], { version = 1, to = this.#cluster.at(0), chunk = handle as number } = {}) {
    const number = ++this.#lastNumber
    const committed = deferred<Committed>()
    this.#waiting.set(number, committed.resolve)
    const message = { $case: 'commit' as const, value: { number, handle: chunk, version, mutations } }
    this.#stream(to.server.address).send({ message })
    return committed.promise
  }

  /** Pushes and commits one write. */
  async writeBytes(offset: number, text: string, version = 1): Promise<Committed> {
    const mutation = this.write(offset, text.length)
    await this.push(mutation.id, Buffer.from(text, 'latin1'))
    return await this.commit([mutation], { version })
  }

  close(): void {
    for (const stream of this.#streams.values()) stream.close()
    this.#data.close()
  }

  #stream(address: Address): ControlStream<ClientToPrimary, PrimaryToClient> {
    const key = addressText(address)
    let stream = this.#streams.get(key)
    if (!stream) {
      stream = this.#cluster.control.connect(parseAddress(key)).open(ChunkserverService.mutate)
      stream.send({ message: { $case: 'hello', value: { clusterId, sessionId: this.#session } } })
      stream.onMessage(({ committed }) => committed && this.#waiting.get(committed.number)?.(committed))
      this.#streams.set(key, stream)
    }
    return stream
  }
}

/** "OK" or the code of the failure. */
export function codeOf(committed: Committed): string {
  return committed.failure?.code ?? 'OK'
}

function memoryDirectory(identity: Identity): DataDirectory {
  let current = identity
  return {
    path: '/nowhere',
    get identity() {
      return current
    },
    async update(changes) {
      current = { ...current, ...changes }
    },
    async close() {},
  }
}
