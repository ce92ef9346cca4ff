// The serving side of the control plane over gRPC. Handlers above it return
// values, throw LeasefsErrors and take ControlStreams; callbacks, statuses and
// trailers end here.

import { lookup } from 'node:dns/promises'
import { type handleBidiStreamingCall, type handleUnaryCall, Server, ServerCredentials } from '@grpc/grpc-js'
import type { Clock } from '../base/clock.js'
import { LeasefsError, rethrowBug } from '../base/errors.js'
import type { Logger } from '../base/log.js'
import { type Address, addressText } from '../wire/address.js'
import type { ControlServer, Handler } from './control-network.js'
import { serverOptions } from './grpc-options.js'
import { ServerStream } from './grpc-stream.js'
import { serverCloseMs } from './limits.js'
import { errorMetadata, statusOf } from './status.js'

/** @throws LeasefsError ADDRESS_IN_USE, INVALID_ARGUMENT */
export async function serveGrpc(
  listen: Address,
  handlers: readonly Handler[],
  clock: Clock,
  log: Logger,
): Promise<ControlServer> {
  const server = new GrpcServer(clock, log)
  for (const handler of handlers) server.add(handler)
  return server.listen(listen)
}

class GrpcServer {
  readonly #server = new Server(serverOptions)
  readonly #streams = new Set<ServerStream>()
  readonly #clock: Clock
  readonly #log: Logger
  #closing: Promise<void> | undefined

  constructor(clock: Clock, log: Logger) {
    this.#clock = clock
    this.#log = log
  }

  add(handler: Handler): void {
    const { path, requestStream, responseStream } = handler.method
    const implementation = handler.kind === 'unary' ? this.#unary(handler) : this.#stream(handler)
    // Streams take bytes: their messages are encoded where the queue is bounded.
    const codec = handler.kind === 'unary' ? handler.method : asBytes
    this.#server.addService({ [path]: { path, requestStream, responseStream, ...codec } }, { [path]: implementation })
  }

  async listen(listen: Address): Promise<ControlServer> {
    const host = await resolve(listen)
    const port = await new Promise<number>((done, fail) => {
      const target = addressText({ host, port: listen.port })
      this.#server.bindAsync(target, ServerCredentials.createInsecure(), (error, port) => {
        if (error) fail(bindError(listen, error))
        else done(port)
      })
    })
    return { address: { host: listen.host, port }, close: () => this.#close() }
  }

  #unary({ handle }: Handler & { kind: 'unary' }): handleUnaryCall<unknown, unknown> {
    return (call, respond) => {
      const hangUp = new AbortController()
      call.on('cancelled', () => hangUp.abort())
      const run = async () => handle(call.request, { signal: hangUp.signal, peer: call.getPeer() })
      run().then(
        response => respond(null, response),
        reason => {
          const error = this.#failure(reason, call.getPath())
          respond({ code: statusOf[error.code], details: error.message, metadata: errorMetadata(error) })
        },
      )
    }
  }

  #stream({ handle, method }: Handler & { kind: 'stream' }): handleBidiStreamingCall<Buffer, Buffer> {
    return call => {
      const stream = new ServerStream(call, { encode: method.responseSerialize, decode: method.requestDeserialize })
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
        done()
      })
      this.#server.tryShutdown(() => {
        cancel()
        done()
      })
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

function bindError(listen: Address, cause: Error): LeasefsError {
  const text = addressText(listen)
  if (cause.message.includes('EADDRINUSE')) {
    return new LeasefsError('ADDRESS_IN_USE', `${text} is in use by another process`, { cause })
  }
  if (cause.message.includes('EACCES')) {
    return new LeasefsError('PERMISSION_DENIED', `may not listen on ${text}`, { cause })
  }
  return new LeasefsError('INVALID_ARGUMENT', `cannot listen on ${text}: ${cause.message}`, { cause })
}
