// Keys of the state tables: numbers as 8 bytes and indexes as 4, big-endian, so
// that byte order is their order; names as they are, last.

import type { KeyRange } from './state-store.js'

const high = 2 ** 32

export function numberKey(number: number): Buffer {
  const key = Buffer.allocUnsafe(8)
  writeNumber(key, number, 0)
  return key
}

export function pairKey(first: number, second: number): Buffer {
  const key = Buffer.allocUnsafe(16)
  writeNumber(key, first, 0)
  writeNumber(key, second, 8)
  return key
}

export function indexKey(number: number, index: number): Buffer {
  const key = Buffer.allocUnsafe(12)
  writeNumber(key, number, 0)
  key.writeUInt32BE(index, 8)
  return key
}

export function nameKey(number: number, name: Uint8Array): Buffer {
  const key = Buffer.allocUnsafe(8 + name.length)
  writeNumber(key, number, 0)
  key.set(name, 8)
  return key
}

/** Every key that begins with this number. */
export function prefixRange(number: number): KeyRange & { readonly to: Buffer } {
  return { from: numberKey(number), to: numberKey(number + 1) }
}

/** The number at `offset` of a key. */
export function keyNumber(key: Buffer, offset: number): number {
  return key.readUInt32BE(offset) * high + key.readUInt32BE(offset + 4)
}

function writeNumber(key: Buffer, number: number, offset: number): void {
  key.writeUInt32BE(Math.floor(number / high), offset)
  key.writeUInt32BE(number % high, offset + 4)
}
