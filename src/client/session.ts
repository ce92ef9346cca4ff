// The session with the master: one stream, opened again whenever it breaks,
// that carries numbered requests, the pings that keep our lease on what we
// cached, and the master's invalidations.
//
// An invalidation is acknowledged when those who listen have dropped what they
// cached, and at the latest after invalidationWaitMs: a kernel that is to drop
// something may itself wait for an answer of ours, and a change of ours may be
// what the other side waits for.

import type { Clock } from '../base/clock.js'
import { type Deferred, deferred } from '../base/deferred.js'
import { errorCodeOf, LeasefsError } from '../base/errors.js'
import type { Logger } from '../base/log.js'
import { hour } from '../base/units.js'
import { clientLeaseMs, formatVersion, heartbeatMs } from '../constants.js'
import type { ControlNetwork, ControlPeer } from '../rpc/control-network.js'
import { ReconnectingStream } from '../rpc/reconnecting-stream.js'
import type { Address } from '../wire/address.js'
import { addressText } from '../wire/address.js'
import type { ClientToMaster, ClientWelcome, Invalidate, MasterToClient, Request } from '../wire/gen/client.js'
import { MasterService } from '../wire/gen/services.js'
import type { DataId, Ino, SessionId } from '../wire/ids.js'
import { ClientLease } from './client-lease.js'
import { goodbyeMs, invalidationWaitMs, streamSilentMs } from './limits.js'
import { type Absorb, type Operation, Requests, type Result } from './requests.js'
import type { Survival } from './survival.js'
import type { Standing, Wait, WaitSource } from './waits.js'

export interface SessionOptions {
  readonly master: Address
  readonly network: ControlNetwork
  readonly clock: Clock
  readonly log: Logger
  /** Refuse a master of another cluster. Absent: any is right, and from then on only that one. */
  readonly clusterId?: string | undefined
  /** For people who look at the master: host name, process id, mount point. */
  readonly description: string
  /** How long a request waits for its answer. */
  readonly timeoutMs: number
  /** How long open() looks for the master. */
  readonly connectTimeoutMs: number
  /** Goes on with the session that an earlier process has left, and leaves it to the next. */
  readonly survival?: Survival | undefined
}

/** Who caches what the master says. */
export interface SessionListener {
  /**
   * Everything cached about these inodes is out of date. What it returns is
   * waited for, a little, before the master hears that it was dropped.
   */
  invalidated(inos: readonly Ino[]): Promise<void> | void
  /**
   * Everything cached may be out of date. With `lost`, the master has also forgotten what was open. What it returns is
   * waited for before the master takes all of that for dropped, but no longer than it may be used.
   */
  reset(lost: boolean): Promise<void> | void
}

export class Session implements WaitSource {
  readonly #options: SessionOptions
  readonly #peer: ControlPeer
  readonly #stream: ReconnectingStream<ClientToMaster, MasterToClient>
  readonly #requests: Requests
  readonly #lease = new ClientLease()
  readonly #welcomed: Deferred<void> = deferred()
  /** The stream has ended after our goodbye. */
  #left: Deferred<void> = deferred()
  readonly #listeners: SessionListener[] = []
  #clusterId: string
  #id = 0
  #leaseMs = clientLeaseMs
  #helloNumber = 0
  /** The master does not know our session any more: the next hello asks for another. */
  #forgotten = false
  #greeted = false
  /** Something the master has said since the last reset may be used somewhere. */
  #mayHaveCached = false
  /** Counts streams, and their ends. */
  #attempt = 0
  #heardAt = 0
  #standsSince = 0
  #lostFor: string | undefined
  #dataCounter = 0
  /** Up to here data ids are taken from whoever comes after this process. */
  #dataReserved = 0
  #cancelPing: (() => void) | undefined
  /** Ends the wait that stands for the connection while there is none. */
  #away: AbortController | undefined
  #closed = false

  /** @throws LeasefsError UNAVAILABLE: no master answers there; WRONG_CLUSTER; what the master says to our hello */
  static async open(options: SessionOptions): Promise<Session> {
    const session = new Session(options)
    const where = `the master at ${addressText(options.master)}`
    const cancel = options.clock.after(options.connectTimeoutMs, () =>
      session.#welcomed.reject(new LeasefsError('UNAVAILABLE', `${where} does not answer`)),
    )
    session.#holdProcess()
    session.#stream.start()
    try {
      await session.#welcomed.promise
      return session
    } catch (reason) {
      session.#end(LeasefsError.from(reason))
      throw reason
    } finally {
      cancel()
    }
  }

  private constructor(options: SessionOptions) {
    this.#options = options
    const { survival } = options
    this.#clusterId = options.clusterId ?? survival?.inherited?.session.clusterId ?? ''
    this.#id = survival?.inherited?.session.id ?? 0
    this.#dataCounter = this.#dataReserved = survival?.inherited?.dataIdsThrough ?? 0
    this.#peer = options.network.connect(options.master)
    const send = (request: Request) => this.#stream.send({ message: { $case: 'request', value: request } })
    this.#requests = new Requests(options.clock, options.timeoutMs, send, survival)
    this.#stream = new ReconnectingStream(
      () => this.#peer.open(MasterService.clientSession),
      {
        opened: send => this.#opened(send),
        received: message => this.#received(message),
        lost: reason => this.#lost(reason),
      },
      options.clock,
    )
  }

  /** Changes when the master has forgotten the session and a new one has begun. */
  get id(): SessionId {
    return this.#id as SessionId
  }

  get clusterId(): string {
    return this.#clusterId
  }

  /** False: nothing that was cached may be used. */
  get mayUseCaches(): boolean {
    return this.#lease.inForce(this.#options.clock.now())
  }

  /** How long from now what is cached may be used, if nothing is invalidated: 0, not at all. */
  get cacheValidMs(): number {
    return this.#lease.remainingMs(this.#options.clock.now())
  }

  get standing(): Standing {
    const { master } = this.#options
    const standing = { master, connected: this.#greeted, since: this.#standsSince, heardAt: this.#heardAt }
    return this.#greeted || this.#lostFor === undefined ? standing : { ...standing, reason: this.#lostFor }
  }

  waits(): Iterable<Wait> {
    return this.#requests.waits()
  }

  /** Names pushed data, or another mutation; never the same twice. */
  nextDataId(): DataId {
    const counter = ++this.#dataCounter
    const { survival } = this.#options
    if (survival && counter > this.#dataReserved) this.#dataReserved = survival.reserve('dataIds', counter)
    return { client: this.id, counter }
  }

  /** Resolves when every request of an earlier process has been answered, or will never be. */
  get inheritedAnswered(): Promise<void> {
    return this.#requests.inheritedAnswered
  }

  listen(listener: SessionListener): void {
    this.#listeners.push(listener)
  }

  /**
   * Asks the master. `absorb` gets the answer when it arrives, before anything
   * that the master sent after it, and also when the caller has stopped waiting.
   * `cause` is the call that it is for (survival.ts).
   *
   * @throws LeasefsError what the master says; TIMEOUT, UNAVAILABLE, SESSION_LOST (it may have been done), CANCELLED
   */
  request(operation: Operation, absorb?: Absorb, cause?: number): Promise<Result> {
    if (this.#closed) return Promise.reject(new LeasefsError('CANCELLED', 'the client is closed'))
    return this.#requests.ask(operation, absorb, cause)
  }

  /** As request(), for what may take as long as it takes; until `signal` aborts. */
  requestPatiently(operation: Operation, signal: AbortSignal, absorb?: Absorb): Promise<Result> {
    if (this.#closed) return Promise.reject(new LeasefsError('CANCELLED', 'the client is closed'))
    return this.#requests.askPatiently(operation, signal, absorb)
  }

  /**
   * Says goodbye: the master forgets the session and closes what it had open.
   * Resolves when it has heard that, or has had time enough to.
   */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#quit(new LeasefsError('CANCELLED', 'the client is closed'))
    if (this.#greeted) {
      this.#left = deferred()
      const cancel = this.#options.clock.after(goodbyeMs, () => this.#left.resolve())
      this.#stream.send({ message: { $case: 'goodbye', value: {} } })
      await this.#left.promise
      cancel()
    }
    this.#disconnect()
  }

  #end(reason: LeasefsError): void {
    this.#quit(reason)
    this.#disconnect()
  }

  /** Nothing more is asked, and nothing that was cached is used. */
  #quit(reason: LeasefsError): void {
    this.#closed = true
    this.#cancelPing?.()
    this.#away?.abort()
    this.#lease.end()
    this.#requests.close(reason)
  }

  #disconnect(): void {
    this.#stream.close()
    this.#peer.close()
  }

  /** The stream may still be connecting. As long as what is cached may be used, only a master that is there is greeted: see #greet. */
  #opened(send: (message: ClientToMaster) => void): void {
    const { clock, network, master } = this.#options
    const attempt = ++this.#attempt
    this.#heardAt = clock.now()
    const remainingMs = this.cacheValidMs
    if (remainingMs === 0) {
      this.#greet(send)
      return
    }
    void network.probe(master, remainingMs).then(result => {
      if (attempt !== this.#attempt || this.#closed) return
      if (result === 'listening' || this.cacheValidMs === 0) this.#greet(send)
      else this.#stream.restart(new LeasefsError('UNAVAILABLE', `nobody listens at ${addressText(master)}`))
    })
  }

  #greet(send: (message: ClientToMaster) => void): void {
    // From the hello on the master tells this stream alone, and takes for dropped what others were told: so it must have been.
    const validMs = this.cacheValidMs
    this.#lease.end()
    const waits = this.#mayHaveCached ? this.#reset(false) : []
    this.#mayHaveCached = false
    if (validMs === 0 || waits.length === 0) {
      this.#hello(send)
      return
    }
    const attempt = this.#attempt
    void this.#dropped(waits, validMs).then(() => {
      if (attempt === this.#attempt && !this.#closed) this.#hello(send)
    })
  }

  #hello(send: (message: ClientToMaster) => void): void {
    const now = this.#options.clock.now()
    this.#heardAt = now
    this.#helloNumber = this.#lease.sent(now)
    const { description } = this.#options
    send({
      message: {
        $case: 'hello',
        value: { clusterId: this.#clusterId, sessionId: this.#forgotten ? 0 : this.#id, description, formatVersion },
      },
    })
  }

  #received({ message }: MasterToClient): void {
    this.#heardAt = this.#options.clock.now()
    if (message?.$case === 'welcome') this.#welcome(message.value)
    else if (!this.#greeted)
      return // Nothing has a meaning before the welcome.
    else if (message?.$case === 'reply') this.#requests.answered(message.value)
    else if (message?.$case === 'invalidate') this.#invalidate(message.value)
    else if (message?.$case === 'pong') this.#renew(message.value.number)
  }

  #welcome(welcome: ClientWelcome): void {
    const { failure, clusterId } = welcome
    if (failure) this.#refused(new LeasefsError(errorCodeOf(failure.code), failure.message))
    else if (this.#clusterId !== '' && clusterId !== this.#clusterId) {
      this.#refused(new LeasefsError('WRONG_CLUSTER', `the master belongs to cluster ${clusterId}`))
    } else this.#begin(welcome)
  }

  #begin({ clusterId, sessionId, resumed, clientLeaseMs: leaseMs }: ClientWelcome): void {
    const lost = this.#id !== 0 && !resumed
    const first = this.#id === 0
    this.#clusterId = clusterId
    this.#id = sessionId
    this.#leaseMs = leaseMs
    this.#greeted = true
    this.#standsSince = this.#options.clock.now()
    this.#forgotten = false
    this.#away?.abort()
    if (lost) this.#requests.renumber()
    if (lost || first) this.#options.survival?.session(sessionId, clusterId)
    if (lost) this.#reset(true)
    this.#mayHaveCached = true
    this.#lease.answered(this.#helloNumber, leaseMs)
    this.#requests.resume()
    this.#schedulePing()
    this.#welcomed.resolve()
  }

  /** The master does not want us. Before the first welcome that is final; later it may be put right. */
  #refused(reason: LeasefsError): void {
    this.#forgotten ||= reason.code === 'SESSION_LOST'
    this.#options.log.error({ code: reason.code }, `the master refuses this client: ${reason.message}`)
    if (this.#id === 0 && reason.code !== 'UNAVAILABLE') this.#welcomed.reject(reason)
    else this.#stream.restart(reason)
  }

  #lost(reason: LeasefsError): void {
    this.#attempt++
    this.#left.resolve()
    if (this.#closed) return
    if (this.#greeted) {
      this.#holdProcess()
      this.#standsSince = this.#options.clock.now()
    }
    this.#greeted = false
    this.#lostFor = reason.message
    this.#cancelPing?.()
    this.#requests.suspend()
    if (this.#id !== 0) this.#options.log.warn({ code: reason.code }, `lost the master: ${reason.message}`)
  }

  /**
   * A connection keeps a program running that waits for an answer, and timers
   * of ours do not: while there is no connection, something else must.
   */
  #holdProcess(): void {
    this.#away = new AbortController()
    this.#options.clock.sleep(hour, this.#away.signal).catch(() => {})
  }

  #invalidate({ number, inos }: Invalidate): void {
    this.#requests.invalidated()
    const waits = this.#listeners.flatMap(listener => listener.invalidated(inos as Ino[]) ?? [])
    const hello = this.#helloNumber
    const acknowledge = () => {
      // Of an earlier stream nothing is awaited any more, and the number may be another's by now.
      if (hello === this.#helloNumber) this.#stream.send({ message: { $case: 'invalidated', value: { number } } })
    }
    if (waits.length === 0) acknowledge()
    else void this.#dropped(waits, invalidationWaitMs).then(acknowledge)
  }

  /** Resolves when all have done what they had to, well or not, or have had the time for it. */
  async #dropped(waits: readonly Promise<void>[], withinMs: number): Promise<void> {
    const late = deferred<void>()
    const cancel = this.#options.clock.after(withinMs, () => {
      this.#options.log.debug('what is out of date was not dropped by all caches in time')
      late.resolve()
    })
    await Promise.race([late.promise, Promise.allSettled(waits)])
    cancel()
  }

  /** A lease that had run out was not kept by the master either: what was cached under it is gone. */
  #renew(number: number): void {
    if (!this.mayUseCaches) this.#reset(false)
    this.#lease.answered(number, this.#leaseMs)
  }

  #reset(lost: boolean): Promise<void>[] {
    this.#requests.invalidated()
    return this.#listeners.flatMap(listener => listener.reset(lost) ?? [])
  }

  #schedulePing(): void {
    this.#cancelPing?.()
    this.#cancelPing = this.#options.clock.after(heartbeatMs, () => {
      const now = this.#options.clock.now()
      if (now - this.#heardAt > streamSilentMs) {
        return this.#stream.restart(new LeasefsError('TIMEOUT', 'the master is silent'))
      }
      const number = this.#lease.sent(now)
      this.#stream.send({ message: { $case: 'ping', value: { number } } })
      this.#schedulePing()
    })
  }
}
