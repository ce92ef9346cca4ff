// The master's end of a chunkserver's session: one stream, on which the server
// registers, reports what it holds, renews its server lease and its chunk
// leases, and is told what to do (docs/PROTOCOL.md, "Chunkserver session").
//
// Invariants: nothing is done for a server before it has registered, and
// nothing any more once another session of it has. Whoever breaks the protocol
// loses the session, not the master.

import { LeasefsError } from '../../base/errors.js'
import { serverLeaseMs } from '../../constants.js'
import type { ControlStream } from '../../rpc/control-network.js'
import type {
  ChunkserverToMaster,
  Heartbeat,
  MasterToChunkserver,
  Register,
  ReplicasFailed,
} from '../../wire/gen/chunkserver.js'
import { knowsLess } from '../../wire/history.js'
import type { ChunkHandle, ServerId } from '../../wire/ids.js'
import { checkRegister, checkReplicasFailed, checkSpace } from './checks.js'
import { Commands } from './commands.js'
import { addressesOf } from './grant.js'
import { commandTimeoutMs, failuresUnderWayMax, levelTimeoutMs, registerTimeoutMs } from './limits.js'
import { copyTimeoutMs } from './repair/limits.js'
import { hasRoomElsewhere } from './repair/view.js'
import { replicasFailed } from './replica-failures.js'
import { ReportReader } from './report-reader.js'
import { endServer, forgetHoldings, type Room, traceLease } from './room.js'
import type { CommandBody, ServerSession } from './servers.js'

type Stream = ControlStream<MasterToChunkserver, ChunkserverToMaster>

interface Registered {
  readonly kind: 'registered'
  readonly server: ServerId
  readonly report: ReportReader
}

const olderMaster =
  'this master knows less than one that the chunkserver has served: nothing is deleted there, and no new chunks are made'

/** Of commands that take longer than others. */
const timeoutsMs: { readonly [Case in CommandBody['$case']]?: number } = {
  level: levelTimeoutMs,
  mend: levelTimeoutMs,
  copy: copyTimeoutMs,
}

type State = { readonly kind: 'new'; readonly cancelTimeout: () => void } | Registered | { readonly kind: 'closed' }

export interface SessionOwner {
  /** A registered server's session has closed, and the server did not say goodbye. */
  silent(server: ServerId): void
  /** The session is over. */
  closed(): void
}

export class ChunkserverSession implements ServerSession {
  readonly #room: Room
  readonly #stream: Stream
  readonly #owner: SessionOwner
  readonly #commands: Commands
  #state: State
  #failuresUnderWay = 0

  constructor(room: Room, stream: Stream, owner: SessionOwner) {
    this.#room = room
    this.#stream = stream
    this.#owner = owner
    this.#commands = new Commands(room.clock)
    const late = () => this.close(new LeasefsError('TIMEOUT', 'no register came'))
    this.#state = { kind: 'new', cancelTimeout: room.clock.after(registerTimeoutMs, late) }
  }

  /** Listens from here on. */
  start(): void {
    this.#stream.onClose(() => this.#closed())
    this.#stream.onMessage(message => this.#receive(message))
  }

  async command(body: CommandBody): Promise<void> {
    if (this.#state.kind !== 'registered') throw new LeasefsError('UNAVAILABLE', 'the session is closed')
    const timeoutMs = timeoutsMs[body.$case] ?? commandTimeoutMs
    await this.#commands.give(timeoutMs, number => this.#send({ $case: 'command', value: { number, command: body } }))
  }

  tellGone(serverId: ServerId): void {
    if (this.#state.kind === 'registered') this.#send({ $case: 'gone', value: { serverId } })
  }

  close(reason: LeasefsError): void {
    this.#closed()
    this.#stream.close(reason)
  }

  #closed(): void {
    const state = this.#state
    if (state.kind === 'closed') return
    this.#state = { kind: 'closed' }
    this.#commands.close()
    this.#owner.closed()
    if (state.kind === 'new') state.cancelTimeout()
    if (state.kind !== 'registered' || !this.#room.servers.sessionClosed(state.server, this)) return
    this.#room.log.info({ server: state.server }, 'chunkserver session closed')
    this.#room.changes.announce()
    this.#owner.silent(state.server)
  }

  #receive(message: ChunkserverToMaster): void {
    if (this.#state.kind === 'closed') return
    try {
      this.#dispatch(message.message)
    } catch (reason) {
      if (!(reason instanceof LeasefsError)) throw reason
      this.#room.warner.warn({ peer: this.#stream.peer, err: reason }, 'chunkserver refused')
      this.close(reason)
    }
  }

  #dispatch(message: ChunkserverToMaster['message']): void {
    const state = this.#state
    if (state.kind === 'registered') this.#dispatchRegistered(state, message)
    if (state.kind !== 'new') return
    if (message?.$case !== 'register') throw new LeasefsError('INVALID_ARGUMENT', 'a session begins with register')
    state.cancelTimeout()
    this.#register(message.value)
  }

  #dispatchRegistered({ server, report }: Registered, message: ChunkserverToMaster['message']): void {
    switch (message?.$case) {
      case 'report':
        report.take(message.value.replicas)
        if (message.value.last) report.end()
        break
      case 'heartbeat':
        this.#heartbeat(server, message.value)
        break
      case 'done':
        this.#commands.done(message.value)
        break
      case 'failed':
        this.#failed(server, checkReplicasFailed(message.value))
        break
      case 'goodbye':
        endServer(this.#room, server, 'left', 'goodbye')
        break
      default:
        throw new LeasefsError('INVALID_ARGUMENT', `a registered chunkserver does not say "${message?.$case}"`)
    }
  }

  #register(register: Register): void {
    const { clusterId, leaseMs, servers, replicas, clock, changes, log, table } = this.#room
    const { history } = table
    try {
      const checked = checkRegister(register, clusterId)
      const { id } = checked
      const { seen } = register
      const registration = { ...checked, seenLaterMaster: seen !== undefined && knowsLess(history, seen) }
      if (registration.seenLaterMaster) log.error({ server: id, history, seen }, olderMaster)
      const { old, died } = servers.register(registration, this, clock.now())
      this.#state = { kind: 'registered', server: id, report: new ReportReader(this.#room, id, this) }
      old?.close(new LeasefsError('CANCELLED', `server ${id} has registered again`))
      if (died) forgetHoldings(this.#room, id, 'a newer incarnation has registered', false)
      replicas.beginReport(id)
      this.#room.absences.back(id)
      log.info({ server: id, address: registration.address }, 'chunkserver registered')
      this.#send({
        $case: 'registered',
        value: { clusterId, serverLeaseMs, leaseMs, history, failure: undefined },
      })
      changes.announce()
    } catch (reason) {
      if (!(reason instanceof LeasefsError)) throw reason
      const failure = { code: reason.code, message: reason.message }
      this.#send({ $case: 'registered', value: { clusterId, serverLeaseMs, leaseMs, failure } })
      throw reason
    }
  }

  #heartbeat(server: ServerId, heartbeat: Heartbeat): void {
    const { servers, leases, clock } = this.#room
    const space = checkSpace(heartbeat)
    const now = clock.now()
    const extended = heartbeat.extend.filter(({ handle, leaseId }) => {
      const lease = leases.extend(handle as ChunkHandle, leaseId, server, now)
      if (lease) traceLease(this.#room, 'lease.extend', lease)
      return lease !== undefined
    })
    servers.heard(server, this, space, now, { scrub: heartbeat.scrub, disk: heartbeat.disk })
    this.#send({
      $case: 'heartbeatAck',
      value: {
        number: heartbeat.number,
        extended,
        journalIndex: this.#room.table.history.index,
        roomElsewhere: hasRoomElsewhere(this.#room, server),
      },
    })
  }

  /** Answers when the version has been raised, or with the reason why it was not. */
  async #failed(server: ServerId, message: ReplicasFailed): Promise<void> {
    const { number } = message
    this.#failuresUnderWay++
    try {
      if (this.#failuresUnderWay > failuresUnderWayMax)
        throw new LeasefsError('UNAVAILABLE', 'too many failures at once')
      const { version, secondaries } = await replicasFailed(this.#room, server, message)
      const addresses = addressesOf(this.#room, secondaries)
      this.#send({ $case: 'failedAck', value: { number, version, secondaries: addresses, failure: undefined } })
    } catch (reason) {
      if (!(reason instanceof LeasefsError)) throw reason
      const failure = { code: reason.code, message: reason.message }
      this.#send({ $case: 'failedAck', value: { number, version: 0, secondaries: [], failure } })
    } finally {
      this.#failuresUnderWay--
    }
  }

  #send(message: MasterToChunkserver['message']): void {
    this.#stream.send({ message })
  }
}
