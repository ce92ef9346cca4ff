// Streams over gRPC, from both sides.
//
// They carry bytes: messages are encoded in send(), where what waits is
// counted. How a stream ends is in status.ts.

import type { ClientDuplexStream, ServerDuplexStream } from '@grpc/grpc-js'
import type { Clock } from '../base/clock.js'
import { LeasefsError } from '../base/errors.js'
import { serverLingerMs, streamLingerMs } from './limits.js'
import type { SendBudget } from './send-budget.js'
import { errorMetadata, errorOfStatus } from './status.js'
import { type Codec, StreamEnd } from './stream-end.js'

export class ClientStream<Out, In> extends StreamEnd<Out, In> {
  readonly peer: string
  readonly #call: ClientDuplexStream<Buffer, Buffer>
  readonly #clock: Clock

  constructor(call: ClientDuplexStream<Buffer, Buffer>, codec: Codec<Out, In>, peer: string, clock: Clock) {
    super(codec)
    this.peer = peer
    this.#call = call
    this.#clock = clock
    call.on('data', (bytes: Buffer) => this.received(bytes))
    call.on('error', () => {}) // Said again by 'status'.
    call.on('status', status => {
      while (call.read() !== null); // What is still buffered goes to received().
      this.finishLocally(errorOfStatus(status, peer))
    })
  }

  /** Ends the stream without waiting for anything. */
  fail(reason: LeasefsError): void {
    this.finishLocally(reason)
    this.#call.cancel()
  }

  protected transmit(bytes: Buffer): void {
    this.#call.write(bytes, () => this.sent(bytes.length))
  }

  /** gRPC has no way to tell a server why: it sees a clean end. */
  protected finish(): void {
    this.#call.end()
    const cancelTimer = this.#clock.after(streamLingerMs, () => this.#call.cancel())
    this.#call.once('status', cancelTimer)
  }
}

/** A stream that could not even be tried. */
export class EndedStream<Out, In> extends StreamEnd<Out, In> {
  readonly peer: string

  constructor(codec: Codec<Out, In>, peer: string, reason: LeasefsError) {
    super(codec)
    this.peer = peer
    this.finishLocally(reason)
  }

  protected transmit(): void {}
  protected finish(): void {}
}

export interface ServerStreamOptions {
  readonly clock: Clock
  readonly budget: SendBudget
  /** Ends the connection that the stream is on. */
  readonly drop: (reason: LeasefsError) => void
}

export class ServerStream extends StreamEnd<unknown, unknown> {
  readonly peer: string
  readonly #call: ServerDuplexStream<Buffer, Buffer>
  readonly #options: ServerStreamOptions
  #isGone = false

  constructor(call: ServerDuplexStream<Buffer, Buffer>, codec: Codec<unknown, unknown>, options: ServerStreamOptions) {
    super(codec, options.budget)
    this.#call = call
    this.#options = options
    this.peer = call.getPeer()
    call.on('data', (bytes: Buffer) => this.received(bytes))
    // A connection that is lost ends the stream too, and says a moment later that it was cancelled.
    call.on('end', () => setImmediate(() => this.close()))
    call.on('cancelled', () => this.finishLocally(new LeasefsError('UNAVAILABLE', `${this.peer} is gone`)))
    call.on('close', () => {
      this.#isGone = true
      this.gone()
    })
  }

  protected transmit(bytes: Buffer): void {
    this.#call.write(bytes, () => {
      if (!this.#isGone) this.sent(bytes.length)
    })
  }

  protected finish(reason: LeasefsError | undefined): void {
    if (this.#call.destroyed) return
    this.#call.end(reason && errorMetadata(reason))
    const late = () =>
      this.#options.drop(new LeasefsError('TIMEOUT', 'what was sent before the end of a stream is not taken'))
    const cancelTimer = this.#options.clock.after(serverLingerMs, late)
    this.#call.once('close', cancelTimer)
  }

  protected override onOverflow(reason: LeasefsError): void {
    this.#options.drop(reason)
  }
}
