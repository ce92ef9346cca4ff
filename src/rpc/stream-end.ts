// What is the same in every ControlStream, whatever carries it: messages that
// come too early, the bound on what waits, and the one end.
//
// Nothing is ever called back from within send(), close(), onMessage() or
// onClose(): the caller may be in the middle of something.

import { LeasefsError, rethrowBug } from '../base/errors.js'
import { messageSizeMax } from '../constants.js'
import type { ControlStream } from './control-network.js'
import { messageOverhead, streamQueuedBytesMax } from './limits.js'
import type { SendBudget } from './send-budget.js'

/** How the messages of a stream become bytes, seen from one of its ends. */
export interface Codec<Out, In> {
  readonly encode: (message: Out) => Buffer
  readonly decode: (bytes: Buffer) => In
}

export abstract class StreamEnd<Out, In> implements ControlStream<Out, In> {
  abstract readonly peer: string
  readonly #codec: Codec<Out, In>
  readonly #budget: SendBudget | undefined
  #receive: ((message: In) => void) | undefined
  #closed: ((reason: LeasefsError) => void) | undefined
  #end: LeasefsError | undefined
  /** Messages that came before onMessage() was called. */
  #early: In[] = []
  #earlyBytes = 0
  #queuedBytes = 0

  constructor(codec: Codec<Out, In>, budget?: SendBudget) {
    this.#codec = codec
    this.#budget = budget
  }

  /** Sends bytes, and says so by calling sent() with their length. */
  protected abstract transmit(bytes: Buffer): void
  /** Tells the peer, after what was sent, that the stream has ended. */
  protected abstract finish(reason: LeasefsError | undefined): void

  /** The peer takes nothing: the stream has just been closed for that. */
  protected onOverflow(_reason: LeasefsError): void {}

  get ended(): boolean {
    return this.#end !== undefined
  }

  send(message: Out): void {
    if (this.#end) return
    const bytes = this.#codec.encode(message)
    this.#queued(bytes.length + messageOverhead)
    if (bytes.length > messageSizeMax) {
      this.close(new LeasefsError('TOO_BIG', `message of ${bytes.length} bytes to ${this.peer}`))
    } else if (this.#queuedBytes > streamQueuedBytesMax || this.#budget?.isTooMuch(this.#queuedBytes)) {
      const reason = new LeasefsError('UNAVAILABLE', `${this.peer} takes no messages: too many wait for it`)
      this.close(reason)
      this.onOverflow(reason)
    } else {
      this.transmit(bytes)
    }
  }

  protected sent(length: number): void {
    this.#queued(-length - messageOverhead)
  }

  /** Whatever was not sent will not be. */
  protected gone(): void {
    this.#queued(-this.#queuedBytes)
  }

  #queued(bytes: number): void {
    this.#queuedBytes += bytes
    this.#budget?.changed(bytes)
  }

  onMessage(receive: (message: In) => void): void {
    this.#receive = receive
    if (this.#early.length > 0) queueMicrotask(() => this.#deliverEarly())
  }

  onClose(closed: (reason: LeasefsError) => void): void {
    this.#closed = closed
    if (this.#end) queueMicrotask(() => this.#tellClosed())
  }

  close(reason?: LeasefsError): void {
    if (this.#end) return
    this.#early = []
    this.finishLocally(reason ?? new LeasefsError('CANCELLED', `stream with ${this.peer} was closed`))
    this.finish(reason)
  }

  /** Bytes from the peer. */
  received(bytes: Buffer): void {
    if (this.#end) return
    let message: In
    try {
      message = this.#codec.decode(bytes)
    } catch (cause) {
      this.close(new LeasefsError('INVALID_ARGUMENT', `malformed message from ${this.peer}`, { cause }))
      return
    }
    if (this.#receive && this.#early.length === 0) this.#deliver(message)
    else this.#keep(message, bytes.length)
  }

  /** The end, once everything that came has been given to received(). Without effect on a stream that has ended. */
  finishLocally(reason: LeasefsError): void {
    if (this.#end) return
    this.#end = reason
    if (this.#closed) queueMicrotask(() => this.#tellClosed())
  }

  #keep(message: In, length: number): void {
    this.#early.push(message)
    this.#earlyBytes += length + messageOverhead
    if (this.#earlyBytes > streamQueuedBytesMax) {
      this.close(new LeasefsError('UNAVAILABLE', `no one takes the messages of ${this.peer}`))
    }
  }

  #tellClosed(): void {
    const closed = this.#closed
    this.#closed = undefined
    this.#deliverEarly()
    if (this.#end) closed?.(this.#end)
  }

  #deliverEarly(): void {
    if (!this.#receive) return
    for (let message = this.#early[0]; message !== undefined; message = this.#early[0]) {
      this.#deliver(message)
      this.#early.shift()
    }
    this.#earlyBytes = 0
  }

  #deliver(message: In): void {
    try {
      this.#receive?.(message)
    } catch (reason) {
      rethrowBug(reason)
      this.close(LeasefsError.from(reason))
    }
  }
}
