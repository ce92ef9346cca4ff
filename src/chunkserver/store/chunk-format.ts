// What a replica looks like on the disk (docs/FORMAT.md, "Replicas"): the
// names of the files, the header, and where the parts of a file are.
//
//   0 ........ 4096 .......... 20480 ....... 24576 ................................
//   header     checksums       block map     data, as long as the replica
//   2 slots    u32 a block     bit a block   (the length is what the file has beyond dataStart)
//
// The two slots of the header are written in turn and the valid one with the
// higher sequence number counts: a torn write leaves the one before it.

import { LeasefsError } from '../../base/errors.js'
import { checksumBlockSize, chunkSize } from '../../constants.js'
import { type ChunkHandle, handleText } from '../../wire/ids.js'
import { crc32 } from './checksums.js'

export const headerSize = 4096
export const blocksPerChunk = chunkSize / checksumBlockSize
export const checksumsStart = headerSize
export const blockMapStart = checksumsStart + 4 * blocksPerChunk
export const blockMapSize = blocksPerChunk / 8
/** Data are aligned as disks like it. */
export const dataStart = blockMapStart + 4096

/** Where the second slot is. A slot and its neighbour are never in one disk sector, nor in one 2 KiB flash page. */
const slotDistance = headerSize / 2
const slotSize = 64
const magic = Buffer.from('LFSCHUNK', 'latin1')

/** Of replica files. 1 had no block map, and the data where that is now. */
const layoutVersion = 2

/** Bits of the flags: never renumber. */
const dirtyFlag = 1

export interface Header {
  readonly handle: ChunkHandle
  readonly version: number
  /** Checksums in the file are not to be trusted: they are computed from the data. */
  readonly dirty: boolean
  /** Of this header: each one written has the next number. */
  readonly sequence: number
}

/** One slot: what is written, and where. */
export function encodeSlot({ handle, version, dirty, sequence }: Header): { bytes: Buffer; position: number } {
  const bytes = Buffer.alloc(slotSize)
  magic.copy(bytes, 0)
  bytes.writeUInt32LE(layoutVersion, 8)
  bytes.writeUInt32LE(dirty ? dirtyFlag : 0, 12)
  bytes.writeBigUInt64LE(BigInt(handle), 16)
  bytes.writeBigUInt64LE(BigInt(version), 24)
  bytes.writeBigUInt64LE(BigInt(sequence), 32)
  bytes.writeUInt32LE(checksumBlockSize, 40)
  bytes.writeUInt32LE(chunkSize, 44)
  bytes.writeUInt32LE(crc32(bytes.subarray(0, slotSize - 4)), slotSize - 4)
  return { bytes, position: (sequence % 2) * slotDistance }
}

/** The whole header of a new file. */
export function encodeHeader(header: Header): Buffer {
  const bytes = Buffer.alloc(headerSize)
  const slot = encodeSlot(header)
  slot.bytes.copy(bytes, slot.position)
  return bytes
}

/**
 * @throws LeasefsError CORRUPT: no valid slot, or not of a replica of `handle`;
 * NEWER_FORMAT, NOT_SUPPORTED: all is well with it, but its layout is not ours
 */
export function decodeHeader(bytes: Buffer, handle: ChunkHandle): Header {
  const slots = [decodeSlot(bytes, 0), decodeSlot(bytes, slotDistance)].filter(slot => slot !== undefined)
  const newest = slots.sort((a, b) => b.sequence - a.sequence)[0]
  const chunk = handleText(handle)
  if (!newest) throw new LeasefsError('CORRUPT', `the header of replica ${chunk} is damaged`)
  const { layout, ...header } = newest
  if (layout !== layoutVersion) {
    const message = `replica ${chunk} has layout ${layout}, this program reads ${layoutVersion} only`
    throw new LeasefsError(layout > layoutVersion ? 'NEWER_FORMAT' : 'NOT_SUPPORTED', message)
  }
  if (header.handle !== handle) {
    throw new LeasefsError('CORRUPT', `the file of replica ${chunk} holds replica ${handleText(header.handle)}`)
  }
  return header
}

function decodeSlot(header: Buffer, position: number): (Header & { readonly layout: number }) | undefined {
  const bytes = header.subarray(position, position + slotSize)
  if (bytes.length < slotSize || !bytes.subarray(0, magic.length).equals(magic)) return undefined
  if (bytes.readUInt32LE(slotSize - 4) !== crc32(bytes.subarray(0, slotSize - 4))) return undefined
  if (bytes.readUInt32LE(40) !== checksumBlockSize || bytes.readUInt32LE(44) !== chunkSize) return undefined
  const [handle, version, sequence] = [16, 24, 32].map(offset => Number(bytes.readBigUInt64LE(offset)))
  if (!Number.isSafeInteger(handle) || !Number.isSafeInteger(version) || !Number.isSafeInteger(sequence)) {
    return undefined
  }
  return {
    handle: handle as ChunkHandle,
    version: version as number,
    sequence: sequence as number,
    dirty: (bytes.readUInt32LE(12) & dirtyFlag) !== 0,
    layout: bytes.readUInt32LE(8),
  }
}

/** Replicas are spread over this many directories, by the low byte of their handle: "00" to "ff". */
const directoryCount = 256
const fileNamePattern = /^([0-9a-f]{16})\.chunk$/

/** Of a store: all of them exist from its first start on. */
export const directoryNames: readonly string[] = Array.from({ length: directoryCount }, (_, index) =>
  index.toString(16).padStart(2, '0'),
)

/** Path of a replica, relative to its store. */
export function replicaPath(handle: ChunkHandle): string {
  return `${directoryNames[handle % directoryCount]}/${handleText(handle)}.chunk`
}

/** What a file is renamed to when nothing in it can be read: nobody looks at it any more but a person. */
export function damagedName(fileName: string): string {
  return `${fileName}.damaged`
}

export function isDamagedName(fileName: string): boolean {
  return /^[0-9a-f]{16}\.chunk\.damaged$/.test(fileName)
}

/** A file beside the directories, there while it is being tried whether the disk takes anything. */
export const probeName = 'probe'

/** The handle that a file's name stands for; undefined if it is not the name of a replica in that directory. */
export function parseFileName(directory: string, fileName: string): ChunkHandle | undefined {
  const handle = Number.parseInt(fileNamePattern.exec(fileName)?.[1] ?? '', 16)
  if (!Number.isSafeInteger(handle) || handle === 0) return undefined
  return replicaPath(handle as ChunkHandle) === `${directory}/${fileName}` ? (handle as ChunkHandle) : undefined
}
