// ControlNetwork within one process, for tests and for the simulation.
//
// Messages go through the serializers, as they do on the real network: nothing
// is shared by reference. What is sent arrives after the present turn, in order.
// Faults are by the address of the server: reset() breaks its connections once,
// silence() holds everything back until heal().

import { setMaxListeners } from 'node:events'
import type { Clock } from '../base/clock.js'
import { LeasefsError, rethrowBug } from '../base/errors.js'
import { type Address, addressText } from '../wire/address.js'
import type {
  CallOptions,
  ControlNetwork,
  ControlPeer,
  ControlServer,
  ControlStream,
  Handler,
  Method,
} from './control-network.js'
import { connectTimeoutMs } from './limits.js'
import { MemoryLink, MemoryStream } from './memory-stream.js'

export class MemoryControlNetwork implements ControlNetwork {
  readonly clock: Clock
  readonly #servers = new Map<string, MemoryServer>()
  readonly #links = new Map<string, Set<MemoryLink>>()
  readonly #silent = new Set<string>()
  #nextPort = 20_000

  constructor(clock: Clock) {
    this.clock = clock
  }

  async serve(listen: Address, handlers: readonly Handler[]): Promise<ControlServer> {
    const address = { host: listen.host, port: listen.port || this.#nextPort++ }
    const key = addressText(address)
    if (this.#servers.has(key)) throw new LeasefsError('ADDRESS_IN_USE', `${key} is in use by another process`)
    const server = new MemoryServer(handlers)
    this.#servers.set(key, server)
    const close = async () => {
      if (this.#servers.get(key) === server) {
        this.#servers.delete(key)
        for (const link of this.linksOf(key)) link.server?.close(unavailable(`${key} is closing`))
      }
      await server.idle()
    }
    return { address, close }
  }

  connect(address: Address): ControlPeer {
    return new MemoryPeer(this, address)
  }

  async probe(address: Address, timeoutMs: number): Promise<'listening' | 'refused' | 'silent'> {
    const key = addressText(address)
    if (this.isSilent(key)) await this.clock.sleep(timeoutMs)
    if (this.isSilent(key)) return 'silent'
    return this.#servers.has(key) ? 'listening' : 'refused'
  }

  /** Breaks every stream with the server at `address`; new ones may be opened. What was under way is lost. */
  reset(address: Address): void {
    const key = addressText(address)
    for (const link of [...this.linksOf(key)]) link.cut(unavailable(`connection with ${key} was reset`))
  }

  /** Holds everything from and to the server back. Nobody is told. */
  silence(address: Address): void {
    const key = addressText(address)
    this.#silent.add(key)
    for (const link of this.linksOf(key)) link.hold()
  }

  /** Ends a silence: what was held back arrives. */
  heal(address: Address): void {
    const key = addressText(address)
    this.#silent.delete(key)
    for (const link of this.linksOf(key)) link.release()
  }

  isSilent(key: string): boolean {
    return this.#silent.has(key)
  }

  server(key: string): MemoryServer | undefined {
    return this.#servers.get(key)
  }

  /** The streams with a server that have not ended. */
  linksOf(key: string): Set<MemoryLink> {
    const links = this.#links.get(key) ?? new Set()
    this.#links.set(key, links)
    return links
  }
}

/** The handlers behind one address. */
class MemoryServer {
  readonly #handlers: ReadonlyMap<string, Handler>
  readonly #calls = new Set<Promise<unknown>>()

  constructor(handlers: readonly Handler[]) {
    this.#handlers = new Map(handlers.map(handler => [handler.method.path, handler]))
  }

  async idle(): Promise<void> {
    await Promise.allSettled(this.#calls)
  }

  async call(path: string, request: Buffer, signal: AbortSignal): Promise<Buffer> {
    const handler = this.#handlers.get(path)
    if (handler?.kind !== 'unary') throw notServed(path)
    const { method, handle } = handler
    const run = async () => {
      const response = await handle(method.requestDeserialize(request), { signal, peer: 'memory' })
      return method.responseSerialize(response)
    }
    const call = Promise.race([run(), aborted(signal)]) // A caller that has gone is not waited for.
    this.#calls.add(call)
    try {
      return await call
    } catch (reason) {
      rethrowBug(reason)
      const { code, message } = LeasefsError.from(reason)
      throw new LeasefsError(code, message) // The cause does not travel.
    } finally {
      this.#calls.delete(call)
    }
  }

  accept(path: string, link: MemoryLink): void {
    const handler = this.#handlers.get(path)
    if (handler?.kind !== 'stream') {
      link.cut(notServed(path))
      return
    }
    const codec = { encode: handler.method.responseSerialize, decode: handler.method.requestDeserialize }
    const stream = new MemoryStream(codec, link, 'memory')
    link.server = stream
    try {
      handler.handle(stream)
    } catch (reason) {
      rethrowBug(reason)
      stream.close(LeasefsError.from(reason))
    }
  }
}

class MemoryPeer implements ControlPeer {
  readonly address: Address
  readonly #key: string
  readonly #network: MemoryControlNetwork
  readonly #openers = new Set<{ close(): void }>()
  readonly #closing = new AbortController()

  constructor(network: MemoryControlNetwork, address: Address) {
    this.#network = network
    this.address = address
    this.#key = addressText(address)
    setMaxListeners(0, this.#closing.signal) // One for each call under way.
  }

  async call<Request, Response>(
    method: Method<Request, Response>,
    request: Request,
    { timeoutMs, signal }: CallOptions,
  ): Promise<Response> {
    const timeout = new AbortController()
    const cancelTimer = this.#network.clock.after(timeoutMs, () => timeout.abort())
    const end = AbortSignal.any([timeout.signal, this.#closing.signal, ...(signal ? [signal] : [])])
    try {
      const bytes = await Promise.race([this.#send(method.path, method.requestSerialize(request), end), aborted(end)])
      return method.responseDeserialize(bytes)
    } catch (reason) {
      if (!end.aborted) throw reason
      const lateCode = this.#network.isSilent(this.#key) ? 'UNAVAILABLE' : 'TIMEOUT'
      const code = timeout.signal.aborted ? lateCode : 'CANCELLED'
      throw new LeasefsError(code, `call of ${method.path} at ${this.#key} has ended early`)
    } finally {
      cancelTimer()
    }
  }

  async #send(path: string, request: Buffer, signal: AbortSignal): Promise<Buffer> {
    await Promise.resolve() // Never within the caller's turn.
    if (this.#network.isSilent(this.#key)) await aborted(signal)
    if (signal.aborted) throw signal.reason
    const server = this.#network.server(this.#key)
    if (!server) throw unavailable(`${this.#key} refused the connection`)
    return server.call(path, request, signal)
  }

  open<Request, Response>(method: Method<Request, Response>): ControlStream<Request, Response> {
    const reached = () => {
      cancelTimer()
      const server = this.#network.server(this.#key)
      if (server) server.accept(method.path, link)
      else link.cut(unavailable(`${this.#key} refused the connection`))
    }
    const ended = () => {
      cancelTimer()
      this.#network.linksOf(this.#key).delete(link)
      this.#openers.delete(stream)
    }
    const link = new MemoryLink(reached, ended)
    const cancelTimer = this.#network.clock.after(connectTimeoutMs, () => {
      link.cut(unavailable(`${this.#key} could not be reached in ${connectTimeoutMs} ms`))
    })
    const codec = { encode: method.requestSerialize, decode: method.responseDeserialize }
    const stream = new MemoryStream<Request, Response>(codec, link, this.#key)
    link.opener = stream
    this.#openers.add(stream)
    this.#network.linksOf(this.#key).add(link)
    if (this.#closing.signal.aborted) link.cut(new LeasefsError('CANCELLED', `connection to ${this.#key} was closed`))
    else if (!this.#network.isSilent(this.#key)) link.release()
    return stream
  }

  close(): void {
    this.#closing.abort()
    for (const stream of [...this.#openers]) stream.close()
  }
}

function unavailable(message: string): LeasefsError {
  return new LeasefsError('UNAVAILABLE', message)
}

function notServed(path: string): LeasefsError {
  return new LeasefsError('NOT_SUPPORTED', `no method ${path}`)
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason)
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}
