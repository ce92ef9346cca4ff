// This server's session with the master (docs/PROTOCOL.md, "Chunkserver
// session"): it registers, says what it holds, renews its server lease and the
// chunk leases in use, and does as it is told. When the stream is lost another
// is opened, and everything is said again.
//
// Invariant: what a message from the master allows is counted from when we
// sent what it answers.

import type { Clock } from '../base/clock.js'
import { deferred } from '../base/deferred.js'
import { errorCodeOf, LeasefsError } from '../base/errors.js'
import type { Logger } from '../base/log.js'
import { formatVersion, heartbeatMs, leaseMs } from '../constants.js'
import type { ControlPeer } from '../rpc/control-network.js'
import { ReconnectingStream } from '../rpc/reconnecting-stream.js'
import type {
  ChunkserverToMaster,
  Command,
  Heartbeat,
  HeartbeatAck,
  LeaseInUse,
  MasterToChunkserver,
  Registered,
  Replica,
} from '../wire/gen/chunkserver.js'
import type { ServerAddress } from '../wire/gen/common.js'
import { MasterService } from '../wire/gen/services.js'
import type { ChunkHandle, ClusterId, ServerId } from '../wire/ids.js'
import type { Commands } from './commands.js'
import type { Copies } from './copies.js'
import { FailureReports } from './failure-reports.js'
import { extensionsMax, heartbeatsOutstandingMax, masterSilenceMs } from './limits.js'
import type { MasterWatch } from './master-watch.js'
import { failureOf } from './mutations/mutation-error.js'
import type { SecondaryLinks } from './mutations/secondary-links.js'
import type { FailureReport } from './replica.js'
import { replicaMessage, reportMessages } from './replica-report.js'
import type { Replicas } from './replicas.js'
import type { Damage } from './scrub/damage.js'
import type { ServerLease } from './server-lease.js'
import type { ChunkStore, StoreSpace } from './store/chunk-store.js'

export interface MasterSessionOptions {
  readonly master: ControlPeer
  readonly clock: Clock
  readonly log: Logger
  readonly store: ChunkStore
  readonly replicas: Replicas
  readonly commands: Commands
  readonly links: Pick<SecondaryLinks, 'serverGone'>
  readonly copies: Pick<Copies, 'discard'>
  readonly damage: Pick<Damage, 'count'>
  readonly serverLease: ServerLease
  readonly masterWatch: MasterWatch
  /** Empty while the server belongs to no cluster. */
  readonly clusterId: () => string
  /** The server belongs to this cluster from now on, durably. */
  readonly adopt: (clusterId: ClusterId) => Promise<void>
  readonly server: ServerAddress
  readonly incarnation: string
  readonly space: () => StoreSpace
  /** What the master is told with each heartbeat beside that. */
  readonly health: () => Pick<Heartbeat, 'scrub' | 'disk'>
}

type State =
  | { readonly kind: 'lost' }
  | { readonly kind: 'registering'; readonly sentAt: number }
  | { readonly kind: 'registered'; readonly serverLeaseMs: number }
  | { readonly kind: 'closed' }

/** Trying again would not help. */
const fatalCodes: ReadonlySet<string> = new Set(['WRONG_CLUSTER', 'NEWER_FORMAT'])

export class MasterSession {
  readonly #options: MasterSessionOptions
  readonly #stream: ReconnectingStream<ChunkserverToMaster, MasterToChunkserver>
  readonly #failures: FailureReports
  readonly #ready = deferred<void>()
  readonly #closed = deferred<LeasefsError | undefined>()
  /** When each heartbeat that has not been answered was sent, by number. */
  readonly #sentAt = new Map<number, number>()
  #state: State = { kind: 'lost' }
  #lastNumber = 0
  #heardAt = 0
  #leaseMs = leaseMs
  #cancelBeat: (() => void) | undefined
  #roomElsewhere = false

  constructor(options: MasterSessionOptions) {
    const { master, clock, log } = options
    this.#options = options
    this.#failures = new FailureReports(clock)
    this.#stream = new ReconnectingStream(
      () => master.open(MasterService.chunkserverSession),
      {
        opened: () => this.#opened(),
        received: message => this.#received(message),
        lost: reason => {
          log.info({ reason: reason.message }, 'session with the master lost')
          this.#lost(reason)
        },
      },
      clock,
    )
  }

  /** Resolves when the server has registered for the first time. */
  get ready(): Promise<void> {
    return this.#ready.promise
  }

  /** Resolves when the session is over for good: with the reason, unless close() ended it. */
  get closed(): Promise<LeasefsError | undefined> {
    return this.#closed.promise
  }

  /** How long a chunk lease lasts from its grant or extension. */
  get leaseMs(): number {
    return this.#leaseMs
  }

  /** Another server has room for a replica, as the master's last word has it. */
  get roomElsewhere(): boolean {
    return this.#roomElsewhere
  }

  start(): void {
    this.#stream.start()
    this.#scheduleBeat()
  }

  /** As ReplicaContext.reportFailed. @throws LeasefsError NOT_PRIMARY, UNAVAILABLE, TIMEOUT, and what else the master says */
  async reportFailed(report: FailureReport): Promise<readonly ServerId[]> {
    const ack = await this.#failures.report(report, value => this.#send({ $case: 'failed', value }))
    const { version = 0 } = this.#options.store.stat(report.handle) ?? {}
    if (version === ack.version) return ack.secondaries.map(({ serverId }) => serverId as ServerId)
    throw new LeasefsError('UNAVAILABLE', `the master raised to version ${ack.version}, this replica is at ${version}`)
  }

  /** A replica is no longer what the master was told. */
  replicaFailed(handle: ChunkHandle, wasPrimary: boolean): void {
    const gone = { handle, version: 0, length: 0, doubtful: false }
    this.#report(replicaMessage(gone, undefined, 0))
    // A lease that is not claimed when a server registers has ended: there is no other way to give one up.
    if (wasPrimary) this.#stream.restart(new LeasefsError('CANCELLED', 'a lease is given up'))
  }

  /**
   * A replica is what the master was told, but may differ from the others, or has damaged blocks. Said at the next
   * registration, if not now.
   */
  replicaChanged(handle: ChunkHandle): void {
    const { store, replicas, damage, clock } = this.#options
    const stored = store.stat(handle)
    if (!stored || stored.version === 0 || replicas.isFailed(handle)) return
    this.#report(replicaMessage(stored, replicas.known(handle), clock.now(), damage.count(handle)))
  }

  #report(replica: Replica): void {
    this.#send({ $case: 'report', value: { replicas: [replica], last: false } })
  }

  /**
   * The server serves nothing any more. Says goodbye, if there is someone to say it to and nothing was left under
   * way: who goes without a word is taken for dead, and what it ordered is looked at.
   */
  close(drained: boolean): void {
    if (drained) this.#send({ $case: 'goodbye', value: {} })
    this.#end(undefined)
  }

  #end(reason: LeasefsError | undefined): void {
    this.#state = { kind: 'closed' }
    this.#cancelBeat?.()
    this.#stream.close()
    this.#options.master.close()
    this.#failures.lost(reason ?? new LeasefsError('CANCELLED', 'the server is stopping'))
    this.#closed.resolve(reason)
  }

  #opened(): void {
    const { clock, clusterId, server, incarnation, space, masterWatch } = this.#options
    this.#state = { kind: 'registering', sentAt: clock.now() }
    this.#heardAt = clock.now()
    const seen = masterWatch.seen && { seen: masterWatch.seen }
    const register = { clusterId: clusterId(), server, incarnation, formatVersion, ...seen, ...space() }
    this.#stream.send({ message: { $case: 'register', value: register } })
  }

  #lost(reason: LeasefsError): void {
    if (this.#state.kind === 'closed') return
    this.#state = { kind: 'lost' }
    this.#sentAt.clear()
    this.#failures.lost(reason)
    if (fatalCodes.has(reason.code)) this.#end(reason)
  }

  #received({ message }: MasterToChunkserver): void {
    this.#heardAt = this.#options.clock.now()
    const state = this.#state
    if (state.kind === 'registering' && message?.$case === 'registered') {
      this.#registered(state, message.value).catch(reason => this.#fail(failureOf(reason)))
      return
    }
    if (state.kind !== 'registered') return
    if (message?.$case === 'heartbeatAck') this.#acknowledged(message.value, state.serverLeaseMs)
    else if (message?.$case === 'failedAck') this.#failures.answered(message.value)
    else if (message?.$case === 'command') this.#command(message.value)
    else if (message?.$case === 'gone') this.#options.links.serverGone(message.value.serverId as ServerId)
  }

  async #registered(state: State & { kind: 'registering' }, registered: Registered): Promise<void> {
    const { clusterId, adopt, serverLease, store, replicas, copies, damage, clock, log, masterWatch } = this.#options
    const { failure, serverLeaseMs } = registered
    if (failure) throw new LeasefsError(errorCodeOf(failure.code), failure.message)
    if (clusterId() === '') await adopt(registered.clusterId as ClusterId)
    if (clusterId() !== registered.clusterId) {
      throw new LeasefsError(
        'WRONG_CLUSTER',
        `this server is of cluster ${clusterId()}, the master of ${registered.clusterId}`,
      )
    }
    if (this.#state !== state) return // The stream was lost meanwhile.
    masterWatch.registered(registered.history)
    this.#leaseMs = registered.leaseMs
    this.#state = { kind: 'registered', serverLeaseMs }
    serverLease.acknowledged(state.sentAt, serverLeaseMs)
    // Who asked for copies on an earlier session has given them up.
    copies.discard().catch(reason => log.error({ err: reason }, 'half-made replicas were not removed'))
    for (const value of reportMessages(store, replicas, damage, clock.now())) this.#send({ $case: 'report', value })
    log.info({ clusterId: registered.clusterId }, 'registered with the master')
    this.#ready.resolve()
  }

  /** The master has refused us. */
  #fail(reason: LeasefsError): void {
    if (this.#state.kind === 'closed') return
    this.#options.log.error({ err: reason }, 'not registered with the master')
    if (fatalCodes.has(reason.code)) this.#end(reason)
    else this.#stream.restart(reason)
  }

  #acknowledged({ number, extended, journalIndex, roomElsewhere = false }: HeartbeatAck, serverLeaseMs: number): void {
    this.#options.masterWatch.advanced(journalIndex)
    this.#roomElsewhere = roomElsewhere
    const sentAt = this.#sentAt.get(number)
    if (sentAt === undefined) return
    for (const [earlier] of this.#sentAt) if (earlier <= number) this.#sentAt.delete(earlier)
    this.#options.serverLease.acknowledged(sentAt, serverLeaseMs)
    for (const { handle, leaseId } of extended) {
      const role = this.#options.replicas.get(handle as ChunkHandle)?.role
      if (role?.kind === 'primary' && role.leaseId === leaseId) role.order.extend(sentAt + this.#leaseMs)
    }
  }

  #command(command: Command): void {
    const session = this.#state
    const done = (reason?: LeasefsError) => {
      if (this.#state !== session) return // Its number means nothing on another stream.
      const failure = reason && { code: reason.code, message: reason.message }
      this.#send({ $case: 'done', value: { number: command.number, failure } })
    }
    this.#options.commands.run(command).then(
      () => done(),
      reason => done(failureOf(reason)),
    )
  }

  #scheduleBeat(): void {
    this.#cancelBeat = this.#options.clock.after(heartbeatMs, () => {
      this.#beat()
      if (this.#state.kind !== 'closed') this.#scheduleBeat()
    })
  }

  #beat(): void {
    const { clock, space, health } = this.#options
    if (this.#state.kind === 'lost' || this.#state.kind === 'closed') return
    if (clock.now() - this.#heardAt > masterSilenceMs || this.#sentAt.size >= heartbeatsOutstandingMax) {
      this.#stream.restart(new LeasefsError('TIMEOUT', `the master is silent for ${masterSilenceMs} ms`))
      return
    }
    if (this.#state.kind !== 'registered') return
    const number = ++this.#lastNumber
    this.#sentAt.set(number, clock.now())
    this.#send({ $case: 'heartbeat', value: { number, extend: this.#leasesInUse(), ...space(), ...health() } })
  }

  #leasesInUse(): LeaseInUse[] {
    const extend: LeaseInUse[] = []
    for (const { handle, role } of this.#options.replicas.primaries()) {
      if (extend.length >= extensionsMax) break
      if (role.kind === 'primary' && role.order.takeUsed()) extend.push({ handle, leaseId: role.leaseId })
    }
    return extend
  }

  /** False while the server is not registered. */
  #send(message: ChunkserverToMaster['message']): boolean {
    return this.#state.kind === 'registered' && this.#stream.send({ message })
  }
}
