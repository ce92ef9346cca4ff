// Pushes on their way to one server, over one connection, in order.

import assert from 'node:assert/strict'
import { LeasefsError } from '../base/errors.js'
import type { Address } from '../wire/address.js'
import { encodeFrame, type Frame, type PushAckFrame } from '../wire/frames.js'
import type { DataId } from '../wire/ids.js'
import { pushesUnderWayMax, pushForwardTimeoutMs } from './limits.js'
import { Link } from './link.js'

export interface OutgoingPush {
  readonly id: DataId
  readonly length: number
  readonly crc32: number
  /** Where the server of this link forwards to. */
  readonly rest: readonly Address[]
}

/** Why a push did not succeed: `position` 0 is the server of the link, 1 the next in `rest`. */
export interface PushFailure {
  readonly position: number
  readonly error: LeasefsError
}

interface UnderWay {
  readonly behind: number
  readonly acked: (failure: PushFailure | undefined) => void
  /** Bytes that we have still to send. */
  unsent: number
}

export class PushLink extends Link {
  /** Told when write() may go on, or need not any more. */
  onReady: (() => void) | undefined
  readonly #underWay = new Map<number, UnderWay>()
  /** The push whose bytes are being sent: the one begun last. */
  #sending: UnderWay | undefined
  /** Pushes that were sent whole: the server owes us their acknowledgement. */
  #awaitedCount = 0
  #number = 0

  get underWay(): number {
    return this.#underWay.size
  }

  /**
   * Begins a push with its first bytes; the rest of them is to follow by
   * write(), before another begins. `acked` is called once: without a failure
   * when the whole chain holds the bytes.
   */
  begin(push: OutgoingPush, buffers: readonly Buffer[], acked: UnderWay['acked']): void {
    const { id, length, crc32, rest } = push
    this.#sending = undefined
    const refused = this.closed ?? this.#overload()
    if (refused) {
      acked({ position: 0, error: refused })
      return
    }
    this.#number = (this.#number + 1) % 2 ** 32
    const underWay = { behind: rest.length, acked, unsent: length }
    this.#underWay.set(this.#number, underWay)
    this.#sending = underWay
    const frame = encodeFrame({ type: 'push', number: this.#number, id, length, crc32, chain: rest })
    this.#send([frame, ...buffers], lengthOf(buffers))
  }

  /**
   * More bytes of the push begun last, or nothing if it has failed; `left` is
   * told when they go out. False: better wait for onReady().
   */
  write(bytes: Buffer, left?: () => void): boolean {
    if (this.#sending) this.#send([bytes], bytes.length, left)
    return !this.full
  }

  #send(buffers: readonly Buffer[], length: number, left?: () => void): void {
    const push = this.#sending
    assert(push)
    if (!this.owed) this.watch() // From now on the server owes us something.
    push.unsent -= length
    assert(push.unsent >= 0)
    if (push.unsent === 0) {
      this.#awaitedCount++
      this.#sending = undefined
    }
    this.send(buffers, left)
  }

  protected onFrame(frame: Frame): void {
    const push = frame.type === 'pushAck' ? this.#underWay.get(frame.number) : undefined
    if (frame.type !== 'pushAck' || !push || push.unsent > 0) {
      throw new LeasefsError('CORRUPT', `${frame.type} frame from ${this.name} that nothing asked for`)
    }
    this.#underWay.delete(frame.number)
    this.#awaitedCount--
    this.watch()
    push.acked(failureOf(frame, push.behind))
  }

  protected onPayload(): void {} // A pushAck has none.

  protected onDrain(): void {
    this.onReady?.()
  }

  protected onLost(error: LeasefsError): void {
    const pushes = [...this.#underWay.values()]
    this.#underWay.clear()
    this.#sending = undefined
    for (const { acked } of pushes) acked({ position: 0, error })
  }

  protected timeoutMs(): number {
    let behind = 0
    for (const push of this.#underWay.values()) behind = Math.max(behind, push.behind)
    return (behind + 1) * pushForwardTimeoutMs
  }

  /** The server is expected to do something: not while we wait for bytes ourselves. */
  protected get owed(): boolean {
    return this.#awaitedCount > 0 || this.queuedBytes > 0
  }

  #overload(): LeasefsError | undefined {
    if (this.#underWay.size < pushesUnderWayMax) return undefined
    return new LeasefsError('UNAVAILABLE', `too many pushes to ${this.name} are under way`)
  }
}

/** The server counts from itself, and may not blame anyone who is not in the chain. */
function failureOf({ failure }: PushAckFrame, behind: number): PushFailure | undefined {
  if (!failure) return undefined
  const { position, code, message } = failure
  return { position: Math.min(position, behind), error: new LeasefsError(code, message) }
}

function lengthOf(buffers: readonly Buffer[]): number {
  let length = 0
  for (const bytes of buffers) length += bytes.length
  return length
}
