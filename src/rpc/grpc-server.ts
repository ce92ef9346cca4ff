// The serving side of the control plane over gRPC. Handlers above it return
// values, throw LeasefsErrors and take ControlStreams; callbacks, statuses and
// trailers end here.

import { lookup } from 'node:dns/promises'
import type { ServerHttp2Stream } from 'node:http2'
import {
  type handleBidiStreamingCall,
  type handleUnaryCall,
  type Metadata,
  Server,
  ServerCredentials,
  type ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  type status,
} from '@grpc/grpc-js'
import type { Clock } from '../base/clock.js'
import { LeasefsError, rethrowBug } from '../base/errors.js'
import type { Logger } from '../base/log.js'
import { LogLimit } from '../base/log-limit.js'
import type { Address } from '../wire/address.js'
import type { ControlServer, Handler } from './control-network.js'
import { GrpcListener } from './grpc-listener.js'
import { serverOptions } from './grpc-options.js'
import { ServerStream } from './grpc-stream.js'
import { errorMessageLengthMax, lookMs, serverCloseMs } from './limits.js'
import { RequestMeters } from './request-meter.js'
import { SendBudget } from './send-budget.js'
import { errorMetadata, statusOf } from './status.js'

/** @throws LeasefsError ADDRESS_IN_USE, INVALID_ARGUMENT */
export async function serveGrpc(
  listen: Address,
  handlers: readonly Handler[],
  clock: Clock,
  log: Logger,
  meters = new RequestMeters(),
): Promise<ControlServer> {
  const server = new GrpcServer(clock, log, meters)
  for (const handler of handlers) server.add(handler)
  return server.listen(listen)
}

class GrpcServer {
  readonly #server: Server
  readonly #meters: RequestMeters
  #cancelLook: (() => void) | undefined
  readonly #streams = new Set<ServerStream>()
  readonly #clock: Clock
  readonly #log: Logger
  readonly #warner: LogLimit
  readonly #budget = new SendBudget()
  #listener: GrpcListener | undefined
  #closing: Promise<void> | undefined

  constructor(clock: Clock, log: Logger, meters: RequestMeters) {
    this.#clock = clock
    this.#meters = meters
    this.#log = log
    this.#warner = new LogLimit(log, clock)
    this.#server = new Server({ ...serverOptions, interceptors: [(_, call) => this.#metered(call)] })
    this.#lookLater()
  }

  add(handler: Handler): void {
    const { path, requestStream, responseStream } = handler.method
    const implementation = handler.kind === 'unary' ? this.#unary(handler) : this.#stream(handler)
    // Bytes: messages are decoded where we can say what is wrong with them, and encoded where the queue is bounded.
    this.#server.addService({ [path]: { path, requestStream, responseStream, ...asBytes } }, { [path]: implementation })
  }

  async listen(listen: Address): Promise<ControlServer> {
    const host = await resolve(listen)
    const injector = this.#server.createConnectionInjector(ServerCredentials.createInsecure())
    this.#listener = await GrpcListener.open({
      listen: { host, port: listen.port },
      accept: socket => injector.injectConnection(socket),
      log: this.#warner,
    })
    return { address: { host: listen.host, port: this.#listener.port }, close: () => this.#close() }
  }

  /** gRPC does not say what comes: we listen where it does, to the HTTP/2 stream that it keeps to itself. */
  #metered(call: ServerInterceptingCallInterface): ServerInterceptingCall {
    const { stream } = call as unknown as { readonly stream: ServerHttp2Stream }
    const peer = call.getPeer()
    const meter = this.#meters.begin(this.#clock.now(), why => this.#drop(peer, why))
    stream.on('data', (bytes: Buffer) => this.#meters.take(meter, bytes, this.#clock.now()))
    stream.once('close', () => this.#meters.end(meter))
    return call as ServerInterceptingCall
  }

  #lookLater(): void {
    this.#cancelLook = this.#clock.after(lookMs, () => {
      this.#meters.look(this.#clock.now())
      this.#lookLater()
    })
  }

  #unary({ handle, method }: Handler & { kind: 'unary' }): handleUnaryCall<Buffer, Buffer> {
    const { requestDeserialize: decode, responseSerialize: encode, path } = method
    return (call, respond) => {
      const peer = call.getPeer()
      const hangUp = new AbortController()
      call.on('cancelled', () => hangUp.abort())
      const run = async () =>
        encode(await handle(this.#decoded(decode, call.request, peer, path), { signal: hangUp.signal, peer }))
      run().then(
        response => respond(null, response),
        reason => respond(errorStatus(this.#failure(reason, path))),
      )
    }
  }

  /** @throws LeasefsError INVALID_ARGUMENT */
  #decoded<T>(decode: (bytes: Buffer) => T, bytes: Buffer, peer: string, path: string): T {
    try {
      return decode(bytes)
    } catch (cause) {
      this.#warner.warn({ peer, path }, 'malformed message')
      throw new LeasefsError('INVALID_ARGUMENT', `malformed message from ${peer}`, { cause })
    }
  }

  #stream({ handle, method }: Handler & { kind: 'stream' }): handleBidiStreamingCall<Buffer, Buffer> {
    return call => {
      const peer = call.getPeer()
      const codec = {
        encode: method.responseSerialize,
        decode: (bytes: Buffer) => this.#decoded(method.requestDeserialize, bytes, peer, method.path),
      }
      const drop = (reason: LeasefsError) => this.#drop(peer, reason.message)
      const stream = new ServerStream(call, codec, { clock: this.#clock, budget: this.#budget, drop })
      this.#streams.add(stream)
      call.on('close', () => this.#streams.delete(stream))
      if (this.#closing) return stream.close(goingAway())
      try {
        handle(stream)
      } catch (reason) {
        stream.close(this.#failure(reason, method.path))
      }
    }
  }

  #drop(peer: string, reason: string): void {
    if (this.#listener?.drop(peer)) this.#warner.warn({ peer, reason }, 'connection closed')
  }

  /** What a handler threw, as what its caller is told. */
  #failure(reason: unknown, path: string): LeasefsError {
    rethrowBug(reason)
    const error = LeasefsError.from(reason)
    if (error.code === 'INTERNAL') this.#log.error({ err: error, path }, 'call failed')
    return error
  }

  #close(): Promise<void> {
    this.#closing ??= new Promise(done => {
      const cancel = this.#clock.after(serverCloseMs, () => {
        this.#server.forceShutdown()
        this.#listener?.dropAll()
        done()
      })
      this.#listener?.stop()
      this.#server.tryShutdown(() => {
        cancel()
        done()
      })
      this.#cancelLook?.()
      for (const stream of this.#streams) stream.close(goingAway())
    })
    return this.#closing
  }
}

const asBytes = {
  requestSerialize: (bytes: Buffer) => bytes,
  requestDeserialize: (bytes: Buffer) => bytes,
  responseSerialize: (bytes: Buffer) => bytes,
  responseDeserialize: (bytes: Buffer) => bytes,
}

function goingAway(): LeasefsError {
  return new LeasefsError('UNAVAILABLE', 'the server is closing')
}

/** One IP address: gRPC would listen on every address of a name, and be content with any one of them. */
async function resolve({ host }: Address): Promise<string> {
  try {
    return (await lookup(host)).address
  } catch (cause) {
    throw new LeasefsError('INVALID_ARGUMENT', `no such host: ${host}`, { cause })
  }
}

function errorStatus(error: LeasefsError): { code: status; details: string; metadata: Metadata } {
  return {
    code: statusOf[error.code],
    details: error.message.slice(0, errorMessageLengthMax).toWellFormed(),
    metadata: errorMetadata(error),
  }
}
