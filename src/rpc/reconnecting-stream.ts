// A stream that is opened again whenever it closes: the session of a
// chunkserver or of a client with the master rides on one.
//
// It holds no messages back and replays none. Its user greets on every new
// stream, and knows what to say again.

import assert from 'node:assert/strict'
import type { Clock } from '../base/clock.js'
import type { LeasefsError } from '../base/errors.js'
import type { ControlStream } from './control-network.js'
import { reconnectPauseMaxMs, reconnectPauseMinMs } from './limits.js'

export interface StreamUser<Out, In> {
  /** A new stream: greet on it. It may still be connecting; what is sent waits. */
  opened(send: (message: Out) => void): void

  /** A message on the stream opened last. Those of earlier streams are dropped. */
  received(message: In): void

  /** The stream has closed. Another is opened after a pause, unless this calls close(). */
  lost(reason: LeasefsError): void
}

export class ReconnectingStream<Out, In> {
  readonly #open: () => ControlStream<Out, In>
  readonly #user: StreamUser<Out, In>
  readonly #clock: Clock
  #state: State<Out, In> = { kind: 'new' }
  #pauseMs = reconnectPauseMinMs

  /** Does nothing before start(). */
  constructor(open: () => ControlStream<Out, In>, user: StreamUser<Out, In>, clock: Clock) {
    this.#open = open
    this.#user = user
    this.#clock = clock
  }

  /** Opens the first stream. The user is called from here on. */
  start(): void {
    assert(this.#state.kind === 'new')
    this.#connect()
  }

  /** Sends on the present stream. False, and nothing is sent, while there is none. */
  send(message: Out): boolean {
    if (this.#state.kind !== 'open') return false
    this.#state.stream.send(message)
    return true
  }

  /** Gives the present stream up, as if it had been lost for `reason`, and opens another. */
  restart(reason: LeasefsError): void {
    if (this.#state.kind !== 'open') return
    const { stream } = this.#state
    this.#lost(stream, reason)
    stream.close(reason)
  }

  /** Ends the stream and opens no other. What was sent before is delivered if the peer is alive. */
  close(): void {
    const state = this.#state
    this.#state = { kind: 'closed' }
    if (state.kind === 'open') state.stream.close()
    if (state.kind === 'waiting') state.cancel()
  }

  #connect(): void {
    const stream = this.#open()
    this.#state = { kind: 'open', stream }
    this.#user.opened(message => stream.send(message))
    stream.onMessage(message => this.#received(stream, message))
    stream.onClose(reason => this.#lost(stream, reason))
  }

  #received(stream: ControlStream<Out, In>, message: In): void {
    if (!this.#isPresent(stream)) return
    this.#pauseMs = reconnectPauseMinMs // The peer is well.
    this.#user.received(message)
  }

  #lost(stream: ControlStream<Out, In>, reason: LeasefsError): void {
    if (!this.#isPresent(stream)) return
    const cancel = this.#clock.after(this.#pauseMs, () => this.#connect())
    this.#pauseMs = Math.min(2 * this.#pauseMs, reconnectPauseMaxMs)
    this.#state = { kind: 'waiting', cancel }
    this.#user.lost(reason)
  }

  #isPresent(stream: ControlStream<Out, In>): boolean {
    return this.#state.kind === 'open' && this.#state.stream === stream
  }
}

type State<Out, In> =
  | { readonly kind: 'new' }
  | { readonly kind: 'open'; readonly stream: ControlStream<Out, In> }
  | { readonly kind: 'waiting'; readonly cancel: () => void }
  | { readonly kind: 'closed' }
