// A chunkserver as the master sees it: registers, reports, sends heartbeats,
// does what it is told, or whatever the test tells it to do instead.

import type { SimulatedClock } from '../../../../src/base/simulated-clock.js'
import { formatVersion, heartbeatMs } from '../../../../src/constants.js'
import type { ControlServer, ControlStream } from '../../../../src/rpc/control-network.js'
import type { MemoryControlNetwork } from '../../../../src/rpc/memory-network.js'
import { addressText } from '../../../../src/wire/address.js'
import type {
  ChunkserverToMaster,
  Command,
  HeartbeatAck,
  LeaseInUse,
  MasterToChunkserver,
  Register,
  Registered,
  Replica,
  ReplicasFailed,
  ReplicasFailedAck,
} from '../../../../src/wire/gen/chunkserver.js'
import { MasterService } from '../../../../src/wire/gen/services.js'
import type { ChunkHandle, ServerId } from '../../../../src/wire/ids.js'

export const masterAddress = { host: '127.0.0.1', port: 7400 }

type Body = NonNullable<Command['command']>
type BodyOf<Case extends Body['$case']> = Extract<Body, { $case: Case }>['value']
/** A failure code, 'hold' for no answer at all, nothing for success. */
type Reaction = string | undefined

export interface FakeOptions {
  readonly id: string
  readonly location?: string
  readonly freeBytes?: number
  readonly clusterId?: string
}

export class FakeServer {
  readonly id: ServerId
  /** Handle → version: survives a restart, as a disk does. */
  readonly replicas = new Map<ChunkHandle, number>()
  /** What it claims to hold when it reports. */
  readonly leases = new Map<ChunkHandle, { leaseId: number; remainingMs: number; secondaries: string[] }>()
  /** What it says that it is not sure of, and under which leases others order its mutations. */
  readonly doubtful = new Set<ChunkHandle>()
  readonly followed = new Map<ChunkHandle, number>()
  /** How many of its blocks it says are damaged. */
  readonly damaged = new Map<ChunkHandle, number>()
  readonly commands: Body[] = []
  readonly extended: LeaseInUse[] = []
  readonly failedAcks: ReplicasFailedAck[] = []
  registered: Registered | undefined
  closedWith: string | undefined
  /** What each heartbeat asks to extend. */
  extend: LeaseInUse[] = []
  freeBytes: number
  react: (body: Body) => Reaction = () => undefined
  /** Whether the full report is sent at once after the registration. */
  reports = true
  register: Partial<Register> = {}
  incarnation = 1

  readonly #options: FakeOptions
  readonly #network: MemoryControlNetwork
  readonly #clock: SimulatedClock
  #port: ControlServer | undefined
  #stream: ControlStream<ChunkserverToMaster, MasterToChunkserver> | undefined
  #stopBeating = () => {}
  #beats = 0
  #held: Command | undefined

  constructor(options: FakeOptions, network: MemoryControlNetwork, clock: SimulatedClock) {
    this.id = options.id as ServerId
    this.freeBytes = options.freeBytes ?? 2 ** 40
    this.#options = options
    this.#network = network
    this.#clock = clock
  }

  get address() {
    const { host, port } = this.#port?.address ?? { host: '127.0.0.1', port: 1 }
    return {
      serverId: this.id,
      controlAddress: addressText({ host, port }),
      dataAddress: addressText({ host, port: port + 10_000 }),
      location: this.#options.location ?? `/dc/rack/${this.id}`,
    }
  }

  /** Starts the process: listens, and registers with the master. */
  async start(): Promise<void> {
    this.#port = await this.#network.serve({ host: '127.0.0.1', port: 0 }, [])
    this.connect()
  }

  /** Opens a session. */
  connect(): void {
    const stream = this.#network.connect(masterAddress).open(MasterService.chunkserverSession)
    this.#stream = stream
    this.closedWith = undefined
    stream.onClose(reason => {
      if (this.#stream === stream) this.closedWith = reason.code
    })
    stream.onMessage(message => {
      if (this.#stream === stream) this.#receive(message.message)
    })
    const register = {
      clusterId: this.#options.clusterId ?? '',
      server: this.address,
      incarnation: `${this.id}-${this.incarnation}`,
      formatVersion,
      totalBytes: 2 ** 41,
      freeBytes: this.freeBytes,
      ...this.register,
    }
    this.say({ $case: 'register', value: register })
    this.beat()
  }

  /** The network cuts the session; the process goes on, and does not come back by itself. */
  cut(): void {
    this.quiet()
    this.#stream?.close()
  }

  /** Sends no more heartbeats, on a session that stays. */
  quiet(): void {
    this.#stopBeating()
  }

  /** The process dies: its port refuses. */
  async die(): Promise<void> {
    this.cut()
    this.leases.clear()
    await this.#port?.close()
  }

  /** A new process on the same data directory. */
  async restart(): Promise<void> {
    this.incarnation++
    await this.start()
  }

  beat(): void {
    this.#stopBeating()
    this.#stopBeating = this.#clock.after(heartbeatMs, () => {
      const value = { number: ++this.#beats, totalBytes: 2 ** 41, freeBytes: this.freeBytes, extend: this.extend }
      this.say({ $case: 'heartbeat', value })
      this.beat()
    })
  }

  say(message: ChunkserverToMaster['message']): void {
    this.#stream?.send({ message })
  }

  /** Does what it held back last. */
  done(): void {
    const held = this.#held
    this.#held = undefined
    if (!held?.command) return
    this.#obey(held.command)
    this.say({ $case: 'done', value: { number: held.number, failure: undefined } })
  }

  fail(handle: number, version: number, leaseId: number, servers: readonly string[]): void {
    const value: ReplicasFailed = { number: 1, handle, version, leaseId, serverIds: [...servers], code: 'IO' }
    this.say({ $case: 'failed', value })
  }

  report(last = true): void {
    this.say({ $case: 'report', value: { replicas: [...this.replicas].map(entry => this.#replica(...entry)), last } })
  }

  /** What it was told of one kind. */
  told<Case extends Body['$case']>(kind: Case): BodyOf<Case>[] {
    return this.commands.flatMap(body => (body.$case === kind ? [body.value as BodyOf<Case>] : []))
  }

  #replica(handle: ChunkHandle, version: number): Replica {
    const { leaseId = 0, remainingMs = 0, secondaries = [] } = this.leases.get(handle) ?? {}
    const doubtful = this.doubtful.has(handle)
    const followedLeaseId = this.followed.get(handle) ?? 0
    return {
      handle,
      version,
      length: 0,
      leaseId,
      leaseRemainingMs: remainingMs,
      secondaries,
      doubtful,
      followedLeaseId,
      damagedBlocks: this.damaged.get(handle) ?? 0,
    }
  }

  #receive(message: MasterToChunkserver['message']): void {
    if (message?.$case === 'registered') {
      this.registered = message.value
      if (this.reports && !message.value.failure) this.report()
    }
    if (message?.$case === 'heartbeatAck') this.#acknowledged(message.value)
    if (message?.$case === 'failedAck') this.failedAcks.push(message.value)
    if (message?.$case === 'command') this.#command(message.value)
  }

  #acknowledged({ extended }: HeartbeatAck): void {
    this.extended.push(...extended)
  }

  #command({ number, command }: Command): void {
    if (!command) return
    this.commands.push(command)
    const code = this.react(command)
    if (code === 'hold') this.#held = { number, command }
    if (code === 'hold') return
    if (!code) this.#obey(command)
    const failure = code ? { code, message: 'as the test wants' } : undefined
    this.say({ $case: 'done', value: { number, failure } })
  }

  #obey({ $case, value }: Body): void {
    if ($case === 'scrub') return
    const handle = value.handle as ChunkHandle
    if ($case === 'create') this.replicas.set(handle, value.version)
    if ($case === 'grant' && value.create) this.replicas.set(handle, value.version)
    if ($case === 'raise') this.replicas.set(handle, value.toVersion)
    // Version 0 is that of a replica being made, which is not reported.
    if ($case === 'delete' && value.version > 0) this.replicas.delete(handle)
    if ($case === 'copy') this.replicas.delete(handle)
    if ($case === 'level') this.doubtful.delete(handle)
    if ($case === 'revoke') this.leases.delete(handle)
    if ($case === 'grant' && value.lease) {
      const { leaseId, remainingMs, secondaries } = value.lease
      this.leases.set(handle, { leaseId, remainingMs, secondaries })
    }
  }
}
