// Frames from a connection's bytes, in pieces of any size.
//
// The caller pulls: append() what has come, then next() until it says
// undefined. So it may stop at any point, with the rest kept in order. A payload
// comes in pieces that are views of what was appended: nothing of it is copied.

import assert from 'node:assert/strict'
import { decodeHead, decodePrefix, type Frame, type Prefix, payloadLengthOf, prefixLength } from './frames.js'

export type Piece =
  | { readonly kind: 'frame'; readonly frame: Frame }
  /** Of the payload of the frame before; `last` with its last byte. */
  | { readonly kind: 'payload'; readonly bytes: Buffer; readonly last: boolean }

export class FrameDecoder {
  #pieces: Buffer[] = []
  /** Bytes of the first piece that have been taken. */
  #offset = 0
  #length = 0
  #prefix: Prefix | undefined
  /** Of the present frame, still to come. */
  #payloadLength = 0

  /** Bytes appended and not yet taken. */
  get length(): number {
    return this.#length
  }

  /** True between frames: if the connection ends here, nothing is cut short. */
  get betweenFrames(): boolean {
    return this.#length === 0 && !this.#prefix && this.#payloadLength === 0
  }

  append(bytes: Buffer): void {
    if (bytes.length === 0) return
    this.#pieces.push(bytes)
    this.#length += bytes.length
  }

  /**
   * What comes next, or undefined if more bytes are needed.
   *
   * @throws LeasefsError CORRUPT: no frame of ours. The connection is of no more use.
   */
  next(): Piece | undefined {
    if (this.#payloadLength > 0) return this.#payload()
    if (!this.#prefix) {
      if (this.#length < prefixLength) return undefined
      this.#prefix = decodePrefix(this.#take(prefixLength))
    }
    if (this.#length < this.#prefix.headLength) return undefined
    const frame = decodeHead(this.#prefix, this.#take(this.#prefix.headLength))
    this.#prefix = undefined
    this.#payloadLength = payloadLengthOf(frame)
    return { kind: 'frame', frame }
  }

  #payload(): Piece | undefined {
    const first = this.#pieces[0]
    if (!first) return undefined
    const end = Math.min(first.length, this.#offset + this.#payloadLength)
    const bytes = first.subarray(this.#offset, end)
    this.#payloadLength -= bytes.length
    this.#advance(bytes.length)
    return { kind: 'payload', bytes, last: this.#payloadLength === 0 }
  }

  /** The next `length` bytes in one buffer: a view where they lie together, else a copy. */
  #take(length: number): Buffer {
    assert(length <= this.#length)
    const first = this.#pieces[0]
    if (!first || length === 0) return Buffer.alloc(0)
    if (first.length - this.#offset >= length) {
      const bytes = first.subarray(this.#offset, this.#offset + length)
      this.#advance(length)
      return bytes
    }
    const bytes = Buffer.allocUnsafe(length)
    for (let filled = 0; filled < length; ) {
      const piece = this.#pieces[0]
      assert(piece)
      const copied = piece.copy(bytes, filled, this.#offset)
      filled += copied
      this.#advance(copied)
    }
    return bytes
  }

  #advance(length: number): void {
    this.#offset += length
    this.#length -= length
    const first = this.#pieces[0]
    if (first && this.#offset === first.length) {
      this.#pieces.shift()
      this.#offset = 0
    }
  }
}
