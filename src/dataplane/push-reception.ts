// One push as it comes in: its bytes go to the handler and, at the same time,
// to the next server. It is over when the last byte has come and the next
// server, if there is one, has answered.

import { crc32 } from '@node-rs/crc32'
import { LeasefsError, rethrowBug } from '../base/errors.js'
import type { PushFrame } from '../wire/frames.js'
import type { DataHandler, PushReceiver } from './data-plane.js'
import type { ForwardedPush, PushForwarder } from './push-forward.js'
import type { PushFailure } from './push-link.js'

export interface ReceptionEvents {
  /** All bytes are here, and right. */
  received(): void
  /** The outcome, to be acknowledged: position 0 is ourselves. */
  over(failure: PushFailure | undefined): void
}

export class PushReception {
  readonly frame: PushFrame
  readonly #events: ReceptionEvents
  readonly #forward: ForwardedPush | undefined
  #receiver: PushReceiver | undefined
  #crc32 = 0
  /** What went wrong here. The bytes are still forwarded. */
  #failure: LeasefsError | undefined
  #here = false
  /** Undefined while the next server has not answered. */
  #behind: { readonly failure: PushFailure | undefined } | undefined
  #gone: LeasefsError | undefined

  /** Forwards the head at once. */
  constructor(frame: PushFrame, forwarder: PushForwarder, events: ReceptionEvents) {
    this.frame = frame
    this.#events = events
    if (frame.chain.length === 0) this.#behind = { failure: undefined }
    else this.#forward = forwarder.begin(frame, failure => this.#answered(failure))
  }

  /** Asks the handler for room. A promise, if it has to be waited for before write(). */
  begin(handler: DataHandler): Promise<void> | undefined {
    const { id, length, crc32 } = this.frame
    try {
      const receiver = handler.beginPush(id, length, crc32)
      if (!(receiver instanceof Promise)) {
        this.#receiver = receiver
        return undefined
      }
      return receiver.then(
        receiver => this.#begun(receiver),
        reason => this.#fail(reason),
      )
    } catch (reason) {
      this.#fail(reason)
      return undefined
    }
  }

  /** False: the next server does not keep up; better wait until the forwarder is ready. */
  write(bytes: Buffer, last: boolean): boolean {
    this.#crc32 = crc32(bytes, this.#crc32)
    this.#give(receiver => receiver.write(bytes))
    const more = this.#forward?.write(bytes) ?? true
    if (last) this.#whole()
    return more
  }

  /** The rest will not come. */
  abandon(reason: LeasefsError): void {
    this.#gone = reason
    this.#failure ??= reason
    const receiver = this.#receiver
    this.#receiver = undefined
    receiver?.abandon(reason)
  }

  #begun(receiver: PushReceiver | undefined): void {
    if (this.#gone) receiver?.abandon(this.#gone)
    else this.#receiver = receiver
  }

  #whole(): void {
    if (this.#crc32 !== this.frame.crc32) {
      this.#fail(new LeasefsError('CORRUPT', 'pushed bytes were damaged on the way'))
    }
    this.#give(receiver => receiver.complete())
    this.#receiver = undefined
    this.#here = true
    if (!this.#failure) this.#events.received()
    this.#settle()
  }

  #answered(failure: PushFailure | undefined): void {
    this.#behind = { failure: failure && { position: failure.position + 1, error: failure.error } }
    this.#settle()
  }

  #settle(): void {
    if (this.#gone || !this.#here) return
    if (this.#failure) this.#over({ position: 0, error: this.#failure })
    else if (this.#behind) this.#over(this.#behind.failure)
  }

  #over(failure: PushFailure | undefined): void {
    this.#here = false // Once.
    this.#events.over(failure)
  }

  #give(act: (receiver: PushReceiver) => void): void {
    if (!this.#receiver) return
    try {
      act(this.#receiver)
    } catch (reason) {
      this.#fail(reason)
    }
  }

  #fail(reason: unknown): void {
    rethrowBug(reason)
    const error = LeasefsError.from(reason)
    this.#failure ??= error
    const receiver = this.#receiver
    this.#receiver = undefined
    receiver?.abandon(error)
  }
}
