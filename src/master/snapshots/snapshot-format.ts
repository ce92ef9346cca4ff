// The bytes of a snapshot around the copy of the state (docs/FORMAT.md,
// "Snapshots"). A backup is a snapshot, so it says itself what it is.
//
//   the state, as LMDB keeps it | u32 crc32 of each MiB of it | trailer of 64 bytes

import { crc32 } from '@node-rs/crc32'
import { LeasefsError } from '../../base/errors.js'
import { formatVersion } from '../../constants.js'
import type { ClusterId } from '../../wire/ids.js'
import { clusterIdBytes, clusterIdFrom } from '../journal/journal-format.js'
import { blockSize } from './limits.js'

export const trailerLength = 64

const magic = Buffer.from('LFSSNAPS')

export interface SnapshotHead {
  readonly clusterId: ClusterId
  /** The journal record up to which the state has been brought. */
  readonly index: number
  readonly stateLength: number
  /** When it was taken, ms since the epoch. */
  readonly takenMs: number
}

export function encodeTrailer({ clusterId, index, stateLength, takenMs }: SnapshotHead, checksums: Buffer): Buffer {
  const bytes = Buffer.alloc(trailerLength)
  magic.copy(bytes, 0)
  bytes.writeUInt32LE(formatVersion, 8)
  bytes.writeBigUInt64LE(BigInt(index), 16)
  clusterIdBytes(clusterId).copy(bytes, 24)
  bytes.writeBigUInt64LE(BigInt(stateLength), 40)
  bytes.writeBigUInt64LE(BigInt(takenMs), 48)
  bytes.writeUInt32LE(crc32(checksums), 56)
  bytes.writeUInt32LE(crc32(bytes.subarray(0, 60)), 60)
  return bytes
}

/** What the trailer says, and the checksum of the checksums. @throws LeasefsError CORRUPT, NEWER_FORMAT */
export function decodeTrailer(bytes: Buffer, path: string): SnapshotHead & { readonly checksumsCrc: number } {
  if (bytes.length !== trailerLength || !bytes.subarray(0, 8).equals(magic)) {
    throw new LeasefsError('CORRUPT', `${path} is not a whole snapshot: its end is missing or damaged`)
  }
  const format = bytes.readUInt32LE(8)
  if (format > formatVersion) {
    throw new LeasefsError('NEWER_FORMAT', `${path} has format ${format}, this program knows up to ${formatVersion}`)
  }
  if (crc32(bytes.subarray(0, 60)) !== bytes.readUInt32LE(60)) {
    throw new LeasefsError('CORRUPT', `${path}: the checksum of its trailer does not match`)
  }
  return {
    clusterId: clusterIdFrom(bytes.subarray(24, 40)),
    index: Number(bytes.readBigUInt64LE(16)),
    stateLength: Number(bytes.readBigUInt64LE(40)),
    takenMs: Number(bytes.readBigUInt64LE(48)),
    checksumsCrc: bytes.readUInt32LE(56),
  }
}

export function checksumsLength(stateLength: number): number {
  return 4 * Math.ceil(stateLength / blockSize)
}

const namePattern = /^(\d{16})\.snapshot$/

/** Sixteen digits hold every index below 2^53, and sort as numbers do. */
export function snapshotName(index: number): string {
  return `${String(index).padStart(16, '0')}.snapshot`
}

export function snapshotIndex(name: string): number | undefined {
  const digits = namePattern.exec(name)?.[1]
  return digits === undefined ? undefined : Number(digits)
}
