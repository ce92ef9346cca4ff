// Numbers and texts in the head of a frame. Numbers are little-endian; a text
// is UTF-8 behind its length.

import assert from 'node:assert/strict'
import { LeasefsError } from '../base/errors.js'

const sizeMin = 128

export class HeadWriter {
  #bytes: Buffer
  #length: number

  /** The first `reserved` bytes are left for the caller. */
  constructor(reserved: number) {
    this.#bytes = Buffer.allocUnsafe(reserved + sizeMin)
    this.#length = reserved
  }

  u8(value: number): void {
    this.#length = this.#room(1).writeUInt8(value, this.#length)
  }

  u32(value: number): void {
    this.#length = this.#room(4).writeUInt32LE(value, this.#length)
  }

  /** A safe integer. */
  u64(value: number): void {
    assert(Number.isSafeInteger(value) && value >= 0, 'a safe integer')
    this.u32(value % 2 ** 32)
    this.u32(Math.floor(value / 2 ** 32))
  }

  /** At most 255 bytes. */
  text8(text: string): void {
    const length = Buffer.byteLength(text)
    assert(length <= 255, text)
    this.u8(length)
    this.#text(text, length)
  }

  /** Cut off after `lengthMax` bytes, which is below 64 KiB. */
  text16(text: string, lengthMax: number): void {
    const length = Math.min(Buffer.byteLength(text), lengthMax)
    this.#length = this.#room(2).writeUInt16LE(length, this.#length)
    this.#text(text, length)
  }

  finish(): Buffer {
    return this.#bytes.subarray(0, this.#length)
  }

  #text(text: string, length: number): void {
    const bytes = this.#room(length)
    // A cut may split a character: Buffer.write() leaves that one out.
    bytes.fill(0x20, this.#length, this.#length + length)
    bytes.write(text, this.#length, length)
    this.#length += length
  }

  #room(length: number): Buffer {
    if (this.#length + length > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(2 * this.#bytes.length + length)
      this.#bytes.copy(larger, 0, 0, this.#length)
      this.#bytes = larger
    }
    return this.#bytes
  }
}

/** Every method throws LeasefsError CORRUPT where there is not what is asked for. */
export class HeadReader {
  readonly #bytes: Buffer
  #offset = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  get ended(): boolean {
    return this.#offset === this.#bytes.length
  }

  u8(): number {
    return this.#bytes.readUInt8(this.#take(1))
  }

  u32(): number {
    return this.#bytes.readUInt32LE(this.#take(4))
  }

  u64(): number {
    const value = this.u32() + this.u32() * 2 ** 32
    if (!Number.isSafeInteger(value)) throw new LeasefsError('CORRUPT', 'malformed data: a number beyond 2^53')
    return value
  }

  text8(): string {
    return this.#text(this.u8())
  }

  text16(lengthMax: number): string {
    const length = this.#bytes.readUInt16LE(this.#take(2))
    if (length > lengthMax) throw new LeasefsError('CORRUPT', `malformed data: a text of ${length} bytes`)
    return this.#text(length)
  }

  #text(length: number): string {
    const start = this.#take(length)
    return this.#bytes.toString('utf8', start, start + length)
  }

  #take(length: number): number {
    const start = this.#offset
    if (start + length > this.#bytes.length) throw new LeasefsError('CORRUPT', 'malformed data: a short head')
    this.#offset += length
    return start
  }
}
