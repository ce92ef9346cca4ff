// The bytes of the journal (docs/FORMAT.md, "Journal"). Integers are
// little-endian; every checksum is crc32.
//
//   segment  "LFSJOURN" | u32 format | u32 0 | u64 first index | 16 bytes cluster id | u32 crc of these 40 | u32 0
//   record   u32 payload length | u32 crc of what follows | u64 index | u64 synced | payload
//
// `synced` is the last index known to be on the disk when the record was
// written. It is how damage is told from a torn end: what comes before an index
// that a later record calls synced was never at risk in a crash.

import { crc32 } from '@node-rs/crc32'
import { LeasefsError } from '../../base/errors.js'
import { MiB } from '../../base/units.js'
import { formatVersion } from '../../constants.js'
import type { ClusterId } from '../../wire/ids.js'

export const segmentHeaderLength = 48
export const recordHeaderLength = 24

/** Bytes of one payload: longer than any operation's record, short enough to know a damaged length. */
export const payloadLengthMax = 4 * MiB

const magic = Buffer.from('LFSJOURN')

export interface SegmentHeader {
  readonly firstIndex: number
  readonly clusterId: ClusterId
}

export function encodeSegmentHeader({ firstIndex, clusterId }: SegmentHeader): Buffer {
  const bytes = Buffer.alloc(segmentHeaderLength)
  magic.copy(bytes, 0)
  bytes.writeUInt32LE(formatVersion, 8)
  bytes.writeBigUInt64LE(BigInt(firstIndex), 16)
  clusterIdBytes(clusterId).copy(bytes, 24)
  bytes.writeUInt32LE(crc32(bytes.subarray(0, 40)), 40)
  return bytes
}

/** @throws LeasefsError CORRUPT, NEWER_FORMAT */
export function decodeSegmentHeader(bytes: Buffer, path: string): SegmentHeader {
  if (bytes.length < segmentHeaderLength || !bytes.subarray(0, 8).equals(magic)) {
    throw new LeasefsError('CORRUPT', `${path} is not a journal segment`)
  }
  const format = bytes.readUInt32LE(8)
  if (format > formatVersion) {
    throw new LeasefsError('NEWER_FORMAT', `${path} has format ${format}, this program knows up to ${formatVersion}`)
  }
  if (crc32(bytes.subarray(0, 40)) !== bytes.readUInt32LE(40)) {
    throw new LeasefsError('CORRUPT', `${path}: the header's checksum does not match`)
  }
  return { firstIndex: Number(bytes.readBigUInt64LE(16)), clusterId: clusterIdFrom(bytes.subarray(24, 40)) }
}

/** The 16 bytes of the UUID. */
export function clusterIdBytes(clusterId: ClusterId): Buffer {
  return Buffer.from(clusterId.replaceAll('-', ''), 'hex')
}

export function clusterIdFrom(bytes: Buffer): ClusterId {
  const hex = bytes.toString('hex', 0, 16)
  const parts = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)]
  return parts.join('-') as ClusterId
}

export interface Record {
  readonly index: number
  readonly synced: number
  readonly payload: Buffer
  /** Where the next record begins. */
  readonly end: number
}

/** Writes the record into `bytes` at `offset`; returns where it ends. */
export function encodeRecord(bytes: Buffer, offset: number, index: number, synced: number, payload: Buffer): number {
  const end = offset + recordHeaderLength + payload.length
  bytes.writeUInt32LE(payload.length, offset)
  bytes.writeBigUInt64LE(BigInt(index), offset + 8)
  bytes.writeBigUInt64LE(BigInt(synced), offset + 16)
  payload.copy(bytes, offset + recordHeaderLength)
  bytes.writeUInt32LE(crc32(bytes.subarray(offset + 8, end)), offset + 4)
  return end
}

/** The record at `offset`, or undefined if what is there is none, or not whole. */
export function decodeRecord(bytes: Buffer, offset: number): Record | undefined {
  if (offset + recordHeaderLength > bytes.length) return undefined
  const end = offset + recordHeaderLength + bytes.readUInt32LE(offset)
  if (end > bytes.length || end - offset > recordHeaderLength + payloadLengthMax) return undefined
  if (crc32(bytes.subarray(offset + 8, end)) !== bytes.readUInt32LE(offset + 4)) return undefined
  const index = Number(bytes.readBigUInt64LE(offset + 8))
  const synced = Number(bytes.readBigUInt64LE(offset + 16))
  return { index, synced, payload: bytes.subarray(offset + recordHeaderLength, end), end }
}

const namePattern = /^(\d{16})\.journal$/

/** Sixteen digits hold every index below 2^53, and sort as numbers do. */
export function segmentName(firstIndex: number): string {
  return `${String(firstIndex).padStart(16, '0')}.journal`
}

export function segmentFirstIndex(name: string): number | undefined {
  const digits = namePattern.exec(name)?.[1]
  return digits === undefined ? undefined : Number(digits)
}
