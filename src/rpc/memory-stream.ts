// A stream within one process: two ends, and the link between them, which can
// be held back or cut.

import { LeasefsError } from '../base/errors.js'
import { type Codec, StreamEnd } from './stream-end.js'

/** What is under way: a message, or the end of the stream. */
type Item = Buffer | { readonly reason: LeasefsError | undefined }

// biome-ignore lint/suspicious/noExplicitAny: the two ends of a link speak opposite types.
type AnyStream = MemoryStream<any, any>

export class MemoryLink {
  opener: AnyStream | undefined
  server: AnyStream | undefined
  readonly #reached: () => void
  readonly #ended: () => void
  #state: 'new' | 'reached' | 'ended' = 'new'
  #held = true

  /** Held until release(). Calls `reached` when the opener first gets through, and `ended` at the end. */
  constructor(reached: () => void, ended: () => void) {
    this.#reached = reached
    this.#ended = ended
  }

  hold(): void {
    this.#held = true
  }

  release(): void {
    this.#held = false
    this.schedule()
  }

  /** Delivers after the present turn. */
  schedule(): void {
    queueMicrotask(() => this.#flow())
  }

  /** Both ends learn the reason; what was under way is lost. */
  cut(reason: LeasefsError): void {
    this.#end()
    this.opener?.cut(reason)
    this.server?.cut(reason)
  }

  /** The end of the stream has arrived at the other side. */
  ended(): void {
    this.#end()
  }

  #flow(): void {
    if (this.#held) return
    if (this.#state === 'new') {
      this.#state = 'reached'
      this.#reached()
    }
    if (!this.opener || !this.server) return
    this.opener.deliverTo(this.server)
    this.server.deliverTo(this.opener)
  }

  #end(): void {
    if (this.#state === 'ended') return
    this.#state = 'ended'
    this.#ended()
  }
}

export class MemoryStream<Out, In> extends StreamEnd<Out, In> {
  readonly peer: string
  readonly #link: MemoryLink
  #outgoing: Item[] = []

  constructor(codec: Codec<Out, In>, link: MemoryLink, peer: string) {
    super(codec)
    this.#link = link
    this.peer = peer
  }

  deliverTo(other: AnyStream): void {
    const items = this.#outgoing
    this.#outgoing = []
    for (const item of items) {
      if (Buffer.isBuffer(item)) {
        this.sent(item.length)
        other.received(item)
      } else {
        other.finishLocally(item.reason ?? new LeasefsError('CANCELLED', `${other.peer} ended the stream`))
        this.#link.ended()
      }
    }
  }

  cut(reason: LeasefsError): void {
    this.#outgoing = []
    this.finishLocally(reason)
  }

  protected transmit(bytes: Buffer): void {
    this.#outgoing.push(bytes)
    if (this.#outgoing.length === 1) this.#link.schedule()
  }

  protected finish(reason: LeasefsError | undefined): void {
    this.#outgoing.push({ reason: this === this.#link.server ? reason : undefined })
    this.#link.schedule()
  }
}
