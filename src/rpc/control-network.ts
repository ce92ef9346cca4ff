// The control plane as the rest of the program sees it: typed calls and typed
// bidirectional streams, without gRPC's callbacks, statuses and trailers. Two
// implementations pass test/suites/control-network.ts: grpc-network.ts (the
// real one) and memory-network.ts.

import type { LeasefsError } from '../base/errors.js'
import type { Address } from '../wire/address.js'

/** One method of a generated service definition (wire/gen/services.ts). */
export interface Method<Request, Response> {
  readonly path: string
  readonly requestStream: boolean
  readonly responseStream: boolean
  readonly requestSerialize: (value: Request) => Buffer
  readonly requestDeserialize: (bytes: Buffer) => Request
  readonly responseSerialize: (value: Response) => Buffer
  readonly responseDeserialize: (bytes: Buffer) => Response
}

/**
 * One end of a bidirectional stream. Messages arrive in the order they were
 * sent, each once, until the stream closes; what was sent last may then be lost.
 */
export interface ControlStream<Out, In> {
  /**
   * Sends now, or queues if the peer is slow. A peer that lets more than
   * `streamQueuedBytesMax` pile up is closed with UNAVAILABLE. Does nothing on a closed stream.
   */
  send(message: Out): void

  /** Sets who gets the messages. Those that came before are delivered first, in order. Call it once. */
  onMessage(receive: (message: In) => void): void

  /** Calls back once, at the end of the stream (at once if it has ended). A clean end by either side has code CANCELLED. */
  onClose(closed: (reason: LeasefsError) => void): void

  /**
   * Ends the stream; the peer sees `reason`, by default a clean end. What was
   * sent before is delivered first if the peer is alive. Only the serving side
   * has a way to tell the reason: the opener's is for its own onClose.
   */
  close(reason?: LeasefsError): void

  /** Where the peer is, for logs. */
  readonly peer: string
}

// biome-ignore lint/suspicious/noExplicitAny: handlers of different messages stand in one list; unary() and stream() check each.
type Any = any

/** What a server does with one method: a plain async function, or a function that takes the stream. */
export type Handler =
  | {
      readonly kind: 'unary'
      readonly method: Method<Any, Any>
      readonly handle: (request: Any, context: CallContext) => Promise<Any>
    }
  | {
      readonly kind: 'stream'
      readonly method: Method<Any, Any>
      readonly handle: (stream: ControlStream<Any, Any>) => void
    }

export interface CallContext {
  /** Aborts when the caller hangs up or its deadline passes. */
  readonly signal: AbortSignal
  readonly peer: string
}

export function unary<Request, Response>(
  method: Method<Request, Response>,
  handle: (request: Request, context: CallContext) => Promise<Response>,
): Handler {
  return { kind: 'unary', method, handle }
}

/** `Request` is what the opener sends, `Response` what the server sends. */
export function stream<Request, Response>(
  method: Method<Request, Response>,
  handle: (stream: ControlStream<Response, Request>) => void,
): Handler {
  return { kind: 'stream', method, handle }
}

export interface CallOptions {
  readonly timeoutMs: number
  readonly signal?: AbortSignal
}

/** A peer one may call. Connects when first used and again after a loss; each call and stream fails by itself. */
export interface ControlPeer {
  readonly address: Address

  /**
   * @throws LeasefsError what the handler threw; UNAVAILABLE if no connection was made; TIMEOUT if the answer was
   * late or the connection was lost; CANCELLED
   */
  call<Request, Response>(method: Method<Request, Response>, request: Request, options: CallOptions): Promise<Response>

  /** Opens a stream. It closes with UNAVAILABLE if the peer cannot be reached within `connectTimeoutMs`. */
  open<Request, Response>(method: Method<Request, Response>): ControlStream<Request, Response>

  /** Closes the connection and every stream on it. */
  close(): void
}

export interface ControlServer {
  /** Where it listens: the port is the one picked if 0 was asked for. */
  readonly address: Address

  /** Stops listening, closes every stream, waits for calls under way. */
  close(): Promise<void>
}

export interface ControlNetwork {
  /** @throws LeasefsError ADDRESS_IN_USE, INVALID_ARGUMENT (no such host or not ours) */
  serve(listen: Address, handlers: readonly Handler[]): Promise<ControlServer>

  connect(address: Address): ControlPeer

  /**
   * Asks the machine, not the program: is someone listening there? 'refused' is
   * proof that the process which listened is gone; 'silent' (nothing heard
   * within `timeoutMs`) proves nothing.
   */
  probe(address: Address, timeoutMs: number): Promise<'listening' | 'refused' | 'silent'>
}
