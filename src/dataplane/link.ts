// A connection we open to ask something of a data server: it connects by
// itself, says hello, and is gone for good when it fails. Pushes (push-link.ts)
// and reads (read-link.ts) are built on it.

import type { Clock } from '../base/clock.js'
import { LeasefsError } from '../base/errors.js'
import type { Warner } from '../base/log-limit.js'
import { type Address, addressText } from '../wire/address.js'
import { encodeFrame, type Frame, type HelloFrame } from '../wire/frames.js'
import type { ByteNetwork, BytePipe } from './byte-network.js'
import { FramedPipe, type FrameUser } from './framed-pipe.js'
import { connectTimeoutMs, forwardQueuedBytesMax, idleMs } from './limits.js'
import { Watch } from './watch.js'

export interface LinkOptions {
  readonly network: ByteNetwork
  readonly clock: Clock
  readonly log: Warner
  readonly hello: () => HelloFrame
}

/** Sent before the connection was there. `left` is told when it has gone out. */
interface Waiting {
  readonly buffers: readonly Buffer[]
  readonly left: (() => void) | undefined
}

type State =
  | { readonly kind: 'connecting'; readonly waiting: Waiting[]; queuedBytes: number }
  | { readonly kind: 'open'; readonly pipe: FramedPipe }
  | { readonly kind: 'closed'; readonly reason: LeasefsError }

export abstract class Link {
  readonly name: string
  /** Told when the link has closed: nothing can be asked on it any more. */
  onClosed: ((reason: LeasefsError) => void) | undefined
  readonly #options: LinkOptions
  readonly #watch: Watch
  #state: State = { kind: 'connecting', waiting: [], queuedBytes: 0 }
  #full = false

  constructor(address: Address, options: LinkOptions) {
    this.name = addressText(address)
    this.#options = options
    this.#watch = new Watch(options.clock, () => this.#expired())
    options.network.connect(address, connectTimeoutMs).then(
      pipe => this.#connected(pipe),
      reason => this.close(LeasefsError.from(reason, 'UNAVAILABLE')),
    )
  }

  /** What is asked and not answered. */
  abstract readonly underWay: number
  /** The peer is expected to do something about it. */
  protected abstract readonly owed: boolean
  protected abstract onFrame(frame: Frame): void
  protected abstract onPayload(bytes: Buffer, last: boolean): void
  /** What was sent has left: more can be. Also when the link has closed. */
  protected abstract onDrain(): void
  /** The link has closed: nothing will be answered. */
  protected abstract onLost(reason: LeasefsError): void
  /** How long the peer may do nothing about what is under way. */
  protected abstract timeoutMs(): number

  get closed(): LeasefsError | undefined {
    return this.#state.kind === 'closed' ? this.#state.reason : undefined
  }

  /** True while onDrain() should be waited for. */
  get full(): boolean {
    return this.#full
  }

  /** Bytes that have not left. */
  protected get queuedBytes(): number {
    if (this.#state.kind === 'open') return this.#state.pipe.queuedBytes
    return this.#state.kind === 'connecting' ? this.#state.queuedBytes : 0
  }

  close(reason: LeasefsError): void {
    const state = this.#state
    if (state.kind === 'closed') return
    this.#state = { kind: 'closed', reason }
    this.#watch.stop()
    this.#full = false
    if (state.kind === 'open') state.pipe.close(reason)
    this.onClosed?.(reason)
    this.onLost(reason)
    this.onDrain()
  }

  protected send(buffers: readonly Buffer[], left?: () => void): void {
    const state = this.#state
    if (state.kind === 'open') {
      this.#full = !state.pipe.write(buffers)
      left?.()
    } else if (state.kind === 'connecting') {
      state.waiting.push({ buffers, left })
      for (const bytes of buffers) state.queuedBytes += bytes.length
      this.#full = state.queuedBytes >= forwardQueuedBytesMax
    }
  }

  /** To be called when something was asked or answered. */
  protected watch(): void {
    if (this.#state.kind !== 'closed') this.#watch.set(this.underWay > 0 ? this.timeoutMs() : idleMs)
  }

  #connected(pipe: BytePipe): void {
    const state = this.#state
    if (state.kind !== 'connecting') {
      pipe.close()
      return
    }
    const user: FrameUser = {
      onFrame: frame => this.#frame(frame),
      onPayload: (bytes, last) => {
        this.#watch.touch()
        this.onPayload(bytes, last)
      },
      onDrain: () => this.#drained(),
      onClose: reason => this.close(reason),
    }
    const framed = new FramedPipe(pipe, user, this.#options.log)
    this.#state = { kind: 'open', pipe: framed }
    this.watch()
    const buffers = [encodeFrame(this.#options.hello()), ...state.waiting.flatMap(({ buffers }) => buffers)]
    const full = !framed.write(buffers)
    for (const { left } of state.waiting) left?.()
    if (full) this.#full = true
    else this.#drained()
  }

  #frame(frame: Frame): void {
    this.#watch.touch()
    if (frame.type === 'goodbye') this.close(new LeasefsError(frame.failure.code, frame.failure.message))
    else this.onFrame(frame)
  }

  #drained(): void {
    this.#watch.touch()
    this.#full = false
    this.onDrain()
  }

  #expired(): void {
    const ms = this.timeoutMs()
    if (this.owed) this.close(new LeasefsError('TIMEOUT', `${this.name} has done nothing for ${ms} ms`))
    else if (this.underWay > 0) this.watch()
    else this.close(new LeasefsError('CANCELLED', `connection to ${this.name} was idle`))
  }
}
