// One client: its stream while it has one, the requests under way, and what it
// may cache. A session outlives its stream; an answer goes to the stream there
// is when it is ready, and the client asks again for what it missed.

import { LeasefsError } from '../../base/errors.js'
import type { Logger } from '../../base/log.js'
import type { ControlStream } from '../../rpc/control-network.js'
import type { ClientToMaster, MasterToClient, Request } from '../../wire/gen/client.js'
import type { Ino, SessionId } from '../../wire/ids.js'
import type { Committed } from '../executor.js'
import type { Operation } from '../ops/read.js'
import type { CacheLease } from './cache-lease.js'
import { answerTriesMax, requestsInFlightMax } from './limits.js'
import { type Answer, cachedBy, checkedRequest, type Requests, replyOf } from './requests.js'

export type ClientStream = ControlStream<MasterToClient, ClientToMaster>

/** A request that has not been answered. */
interface Running {
  readonly operation: Operation
  /** Answers found and given up because they were out of date. */
  tries: number
  /** Of a change that is committed. */
  committed?: {
    /** What is cached is told to this stream only. */
    readonly stream: ClientStream | undefined
    /** Lets the Invalidates go that wait for the answer. */
    readonly answered: () => void
  }
}

export interface ClientSessionOptions {
  readonly id: SessionId
  readonly lease: CacheLease
  readonly requests: Requests
  readonly log: Logger
}

export class ClientSession {
  readonly id: SessionId
  readonly lease: CacheLease
  readonly #requests: Requests
  readonly #log: Logger
  readonly #running = new Map<number, Running>()
  #stream: ClientStream | undefined
  #answeredThrough = 0

  constructor({ id, lease, requests, log }: ClientSessionOptions) {
    this.id = id
    this.lease = lease
    this.#requests = requests
    this.#log = log
  }

  /** Goes on with this stream; the one before it, if there is one, is closed. */
  attach(stream: ClientStream): void {
    const former = this.#stream
    this.#stream = stream
    former?.close(new LeasefsError('CANCELLED', 'the session goes on with a newer stream'))
    this.lease.attach(invalidate => this.#send({ $case: 'invalidate', value: invalidate }))
  }

  /** Whether it was the present stream that ended, and the session now has none. */
  detach(stream: ClientStream): boolean {
    if (stream !== this.#stream) return false
    this.#stream = undefined
    this.lease.detach()
    this.#requests.unheard(this.id, new LeasefsError('CANCELLED', 'the stream has ended'))
    return true
  }

  /** Ends the stream, and what may be cached. */
  end(reason?: LeasefsError): void {
    const stream = this.#stream
    this.#stream = undefined
    this.lease.end()
    this.#requests.unheard(this.id, reason ?? new LeasefsError('SESSION_LOST', `session ${this.id} has ended`))
    stream?.close(reason)
  }

  /** @throws LeasefsError INVALID_ARGUMENT: the stream is not to be gone on with */
  receive(message: Exclude<ClientToMaster['message'], undefined>): void {
    switch (message.$case) {
      case 'request':
        this.#request(message.value)
        return
      case 'invalidated':
        this.lease.acknowledged(message.value.number)
        return
      case 'ping': {
        const { number } = message.value
        this.lease.ping(() => this.#send({ $case: 'pong', value: { number } }))
        return
      }
      default:
        throw new LeasefsError('INVALID_ARGUMENT', `"${message.$case}" within a session`)
    }
  }

  /** One of its changes is committed: from now on others who change the same tell this client. */
  committed(number: number, touched: readonly Ino[], committed: Committed): void {
    const running = this.#running.get(number)
    if (!running) return
    const cached = cachedBy(running.operation, committed)
    this.lease.register(cached)
    running.committed = { stream: this.#stream, answered: this.lease.beginAnswer([...touched, ...cached]) }
  }

  #request(request: Request): void {
    const { number, answeredThrough } = request
    // Sent again while the first is under way: that one's answer comes on this stream.
    if (this.#running.has(number)) return
    try {
      const operation = checkedRequest(request)
      if (number <= this.#answeredThrough) {
        throw new LeasefsError('INVALID_ARGUMENT', `request ${number} has been acknowledged as answered`)
      }
      this.#answeredThrough = Math.max(this.#answeredThrough, answeredThrough)
      if (this.#running.size >= requestsInFlightMax) {
        throw new LeasefsError('UNAVAILABLE', `${requestsInFlightMax} requests of session ${this.id} are under way`)
      }
      this.#running.set(number, { operation, tries: 0 })
      this.#answer(number, operation)
    } catch (reason) {
      this.#fail(number, reason)
    }
  }

  #answer(number: number, operation: Operation): void {
    const origin = { sessionId: this.id, number, answeredThrough: this.#answeredThrough }
    const answer = this.#requests.answer(operation, origin, this.lease)
    if (!(answer instanceof Promise)) this.#reply(number, answer)
    else {
      answer.then(
        ready => this.#reply(number, ready),
        reason => this.#fail(number, reason),
      )
    }
  }

  #reply(number: number, answer: Answer): void {
    const running = this.#running.get(number)
    answer.watch?.end()
    if (running && answer.watch?.changed) {
      this.#again(number, running)
      return
    }
    this.#running.delete(number)
    this.lease.register(answer.cached)
    this.#send({ $case: 'reply', value: replyOf(number, answer) })
    running?.committed?.answered()
    const elsewhere = running?.committed && running.committed.stream !== this.#stream
    if (answer.dropped || elsewhere) void this.lease.invalidate(answer.cached)
  }

  #again(number: number, running: Running): void {
    if (++running.tries < answerTriesMax) this.#answer(number, running.operation)
    else this.#fail(number, new LeasefsError('UNAVAILABLE', 'what was asked for keeps changing'))
  }

  #fail(number: number, reason: unknown): void {
    const failure = LeasefsError.from(reason)
    // Not one of ours: a bug, and the process is not to go on with it.
    if (failure.code === 'INTERNAL' && failure.cause !== undefined) throw reason
    if (failure.code === 'CORRUPT') this.#log.error({ err: failure, sessionId: this.id }, 'a request met damage')
    this.#reply(number, { failure, cached: [] })
  }

  #send(message: Exclude<MasterToClient['message'], undefined>): void {
    this.#stream?.send({ message })
  }
}
