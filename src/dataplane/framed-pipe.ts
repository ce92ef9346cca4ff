// Frames over a byte pipe. Its user takes one frame or piece of payload after
// the other, and can hold the rest back; the peer then feels it.

import assert from 'node:assert/strict'
import { LeasefsError } from '../base/errors.js'
import type { Warner } from '../base/log-limit.js'
import { FrameDecoder } from '../wire/frame-decoder.js'
import { encodeFrame, type Frame } from '../wire/frames.js'
import type { BytePipe } from './byte-network.js'

export interface FrameUser {
  /** @throws LeasefsError CORRUPT: not a frame the peer may send now */
  onFrame(frame: Frame): void
  /** Of the payload of the frame before; `last` with its last byte. */
  onPayload(bytes: Buffer, last: boolean): void
  /** send() may go on. */
  onDrain(): void
  /** Once, at the end. */
  onClose(reason: LeasefsError): void
}

export class FramedPipe {
  readonly #pipe: BytePipe
  readonly #user: FrameUser
  readonly #log: Warner
  readonly #decoder = new FrameDecoder()
  #givenBytes = 0
  #holds = 0
  #paused = false
  #pumping = false
  #end: LeasefsError | undefined

  /** Frames come in from the next turn on. */
  constructor(pipe: BytePipe, user: FrameUser, log: Warner) {
    this.#pipe = pipe
    this.#user = user
    this.#log = log
    pipe.onData(bytes => this.#receive(bytes))
    pipe.onDrain(() => user.onDrain())
    pipe.onClose(reason => this.#closed(reason))
  }

  get peer(): string {
    return this.#pipe.peer
  }

  get queuedBytes(): number {
    return this.#pipe.queuedBytes
  }

  /** Bytes sent that have left. */
  get leftBytes(): number {
    return this.#givenBytes - this.#pipe.queuedBytes
  }

  /** Part of a frame has come, or of its payload. */
  get isWithinFrame(): boolean {
    return !this.#decoder.betweenFrames
  }

  /** Sends a frame, and its payload or the beginning of it. False: better wait for onDrain(). */
  send(frame: Frame, payload: readonly Buffer[] = []): boolean {
    return this.write([encodeFrame(frame), ...payload])
  }

  /** Sends bytes that have been encoded, or more of a payload. */
  write(buffers: readonly Buffer[]): boolean {
    for (const bytes of buffers) this.#givenBytes += bytes.length
    return this.#pipe.write(buffers)
  }

  /** Nothing is delivered until every hold() has had its release(). */
  hold(): void {
    this.#holds++
  }

  release(): void {
    assert(this.#holds > 0)
    this.#holds--
    this.#pump()
  }

  close(reason?: LeasefsError): void {
    this.#end ??= reason
    this.#pipe.close()
  }

  /** Closes it for what the peer does, or does not do: one line says so. */
  throwOut(reason: LeasefsError): void {
    this.#log.warn({ peer: this.peer, reason: reason.message }, 'data connection closed')
    this.close(reason)
  }

  #receive(bytes: Buffer): void {
    this.#decoder.append(bytes)
    this.#pump()
  }

  /** Delivers until there is nothing more, or someone holds. */
  #pump(): void {
    if (this.#pumping || this.#end) return
    this.#pumping = true
    try {
      while (this.#holds === 0 && !this.#end) {
        const piece = this.#decoder.next()
        if (!piece) break
        if (piece.kind === 'frame') this.#user.onFrame(piece.frame)
        else this.#user.onPayload(piece.bytes, piece.last)
      }
    } catch (reason) {
      if (!(reason instanceof LeasefsError)) throw reason
      this.throwOut(reason)
    } finally {
      this.#pumping = false
    }
    this.#pauseOrResume()
  }

  #pauseOrResume(): void {
    const paused = this.#holds > 0
    if (paused === this.#paused) return
    this.#paused = paused
    if (paused) this.#pipe.pause()
    else this.#pipe.resume()
  }

  #closed(reason: LeasefsError): void {
    this.#end ??= reason
    this.#user.onClose(this.#end)
  }
}
