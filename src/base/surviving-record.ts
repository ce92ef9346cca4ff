// The records of a surviving map, as they lie in its file one behind the other:
//
//   head     magic, length of the text, length of the bytes, number   24 bytes
//   text     JSON: [key, value, keys that are gone]
//   bytes
//   tail     the number again                                           8 bytes
//
// Numbers are dense. A process that dies in the middle of writing a record has
// written some first part of it: so the tail of another number, or of none, tells
// that the record is not whole. Nothing else can happen to memory that no
// machine has lost, so there is no checksum.

import { LeasefsError } from './errors.js'

export const recordHeadBytes = 24
export const recordTailBytes = 8

/** "LFSM" */
const magic = 0x4d53464c

export interface SurvivingRecord {
  readonly number: number
  /** Undefined: it only removes. */
  readonly key: string | undefined
  readonly value: unknown
  readonly bytes: Buffer
  readonly gone: readonly string[]
}

/** The pieces of a record that follow one another. */
export function encodeRecord({ number, key, value, gone }: Omit<SurvivingRecord, 'bytes'>, bytes: readonly Buffer[]) {
  const text = JSON.stringify(gone.length === 0 ? [key, value] : [key ?? null, value, gone])
  const textLength = Buffer.byteLength(text)
  let bytesLength = 0
  for (const piece of bytes) bytesLength += piece.length
  const head = Buffer.allocUnsafe(recordHeadBytes + textLength)
  head.writeUInt32LE(magic, 0)
  head.writeUInt32LE(textLength, 4)
  head.writeUInt32LE(bytesLength, 8)
  head.writeUInt32LE(0, 12)
  head.writeBigUInt64LE(BigInt(number), 16)
  head.write(text, recordHeadBytes)
  const tail = Buffer.allocUnsafe(recordTailBytes)
  tail.writeBigUInt64LE(BigInt(number))
  return { pieces: [head, ...bytes, tail], length: head.length + bytesLength + recordTailBytes }
}

/**
 * The record that lies at `at` and has this number; undefined if none does, or not all of it.
 *
 * @throws LeasefsError CORRUPT: it is whole and means nothing
 */
export function decodeRecord(
  file: Buffer,
  at: number,
  number: number,
): { readonly record: SurvivingRecord; readonly length: number } | undefined {
  if (at + recordHeadBytes + recordTailBytes > file.length || file.readUInt32LE(at) !== magic) return undefined
  const textLength = file.readUInt32LE(at + 4)
  const bytesLength = file.readUInt32LE(at + 8)
  const length = recordHeadBytes + textLength + bytesLength + recordTailBytes
  const wanted = BigInt(number)
  if (at + length > file.length || file.readBigUInt64LE(at + 16) !== wanted) return undefined
  if (file.readBigUInt64LE(at + length - recordTailBytes) !== wanted) return undefined
  const textEnd = at + recordHeadBytes + textLength
  const [key, value, gone] = parse(file.toString('utf8', at + recordHeadBytes, textEnd))
  const bytes = file.subarray(textEnd, textEnd + bytesLength)
  return { record: { number, key: key ?? undefined, value, bytes, gone: gone ?? [] }, length }
}

function parse(text: string): [string | null, unknown, string[]?] {
  try {
    const parsed = JSON.parse(text)
    if (Array.isArray(parsed) && (parsed[0] === null || typeof parsed[0] === 'string'))
      return parsed as [string, unknown]
  } catch {
    // Told below.
  }
  throw new LeasefsError('CORRUPT', 'a record that was left by an earlier process means nothing')
}
