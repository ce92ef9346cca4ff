// The calling side of the control plane over gRPC.
//
// gRPC keeps trying in the background to reach a peer that has failed, and
// fails calls at once while it pauses between tries. We want neither: a peer
// that could not be reached is forgotten, and the next call tries afresh. The
// pauses are the caller's (reconnecting-stream.ts).

import { setMaxListeners } from 'node:events'
import { isIPv4, isIPv6 } from 'node:net'
import { Client, connectivityState, credentials, status } from '@grpc/grpc-js'
import type { Clock } from '../base/clock.js'
import { LeasefsError } from '../base/errors.js'
import { type Address, addressText } from '../wire/address.js'
import type { CallOptions, ControlPeer, ControlStream, Method } from './control-network.js'
import { clientOptions } from './grpc-options.js'
import { ClientStream, EndedStream } from './grpc-stream.js'
import { connectTimeoutMs } from './limits.js'
import { errorOfStatus } from './status.js'

export class GrpcPeer implements ControlPeer {
  readonly address: Address
  readonly #name: string
  readonly #clock: Clock
  readonly #streams = new Set<{ close(): void }>()
  /** Aborts the calls under way. */
  readonly #closing = new AbortController()
  #client: Client | undefined

  constructor(address: Address, clock: Clock) {
    this.address = address
    this.#name = addressText(address)
    this.#clock = clock
    setMaxListeners(0, this.#closing.signal) // One for each call under way.
  }

  call<Request, Response>(
    method: Method<Request, Response>,
    request: Request,
    { timeoutMs, signal }: CallOptions,
  ): Promise<Response> {
    const hangUp = signal ? AbortSignal.any([signal, this.#closing.signal]) : this.#closing.signal
    if (hangUp.aborted) return Promise.reject(this.#givenUp())
    const client = this.#connected()
    const { path, requestSerialize, responseDeserialize } = method
    return new Promise((resolve, reject) => {
      const call = client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, (error, response) => {
        // Before a connection was picked the call is named after the target.
        const sent = call.getPeer() !== client.getChannel().getTarget()
        settled()
        if (error?.code === status.UNAVAILABLE) this.#forgetUnlessReached(client)
        if (error) reject(errorOfStatus(error, this.#name, sent ? 'TIMEOUT' : 'UNAVAILABLE'))
        else resolve(response as Response)
      })
      const end = (error: LeasefsError) => {
        reject(error) // First: what the cancelled call says no longer counts.
        call.cancel()
      }
      const abort = () => end(this.#givenUp())
      hangUp.addEventListener('abort', abort, { once: true })
      const cancelTimer = this.#clock.after(timeoutMs, () => end(this.#late(client, timeoutMs)))
      const settled = () => {
        cancelTimer()
        hangUp.removeEventListener('abort', abort)
      }
    })
  }

  open<Request, Response>(method: Method<Request, Response>): ControlStream<Request, Response> {
    const codec = { encode: method.requestSerialize, decode: method.responseDeserialize }
    if (this.#closing.signal.aborted) return new EndedStream(codec, this.#name, this.#givenUp())
    const client = this.#connected()
    const call = client.makeBidiStreamRequest(method.path, asIs, asIs)
    const stream = new ClientStream<Request, Response>(call, codec, this.#name, this.#clock)
    this.#streams.add(stream)
    const cancelTimer = this.#clock.after(connectTimeoutMs, () => {
      if (!isReady(client)) stream.fail(this.#late(client, connectTimeoutMs))
    })
    call.once('status', ({ code }) => {
      cancelTimer()
      this.#streams.delete(stream)
      if (code === status.UNAVAILABLE) this.#forgetUnlessReached(client)
    })
    return stream
  }

  close(): void {
    this.#closing.abort()
    for (const stream of [...this.#streams]) stream.close()
    this.#client?.close() // Lets the streams say what they have to say.
    this.#client = undefined
  }

  #connected(): Client {
    this.#client ??= new Client(target(this.address), credentials.createInsecure(), clientOptions)
    return this.#client
  }

  #forgetUnlessReached(client: Client): void {
    if (client !== this.#client || isReady(client)) return
    this.#client = undefined
    client.close()
  }

  #late(client: Client, ms: number): LeasefsError {
    if (isReady(client)) return new LeasefsError('TIMEOUT', `${this.#name} did not answer in ${ms} ms`)
    this.#forgetUnlessReached(client)
    return new LeasefsError('UNAVAILABLE', `${this.#name} could not be reached in ${ms} ms`)
  }

  #givenUp(): LeasefsError {
    const why = this.#closing.signal.aborted ? 'the connection was closed' : 'the call was given up'
    return new LeasefsError('CANCELLED', `${this.#name}: ${why}`)
  }
}

function isReady(client: Client): boolean {
  return client.getChannel().getConnectivityState(false) === connectivityState.READY
}

/** As gRPC names it. An IP address needs no resolver; a name is looked up at each connection. */
function target(address: Address): string {
  if (isIPv4(address.host)) return `ipv4:${addressText(address)}`
  if (isIPv6(address.host)) return `ipv6:${addressText(address)}`
  return `dns:${addressText(address)}`
}

function asIs(bytes: Buffer): Buffer {
  return bytes
}
