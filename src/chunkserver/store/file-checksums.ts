// The checksums of a replica file and the map of its stored blocks: loaded from
// it, saved to it, or computed from its data.

import { checksumBlockSize, chunkSize } from '../../constants.js'
import { BlockMap } from './block-map.js'
import { blockChecksum } from './checksums.js'
import { blockMapSize, blockMapStart, blocksPerChunk, checksumsStart, dataStart } from './chunk-format.js'
import { type DiskFile, fileSize, readAt, writeAt } from './disk.js'
import { recomputeReadSize } from './limits.js'

export interface BlockTable {
  readonly checksums: Uint32Array
  readonly stored: BlockMap
}

export function emptyTable(): BlockTable {
  return { checksums: new Uint32Array(blocksPerChunk), stored: new BlockMap() }
}

/** Beyond the replica's end there are holes, whatever the file has there. @throws LeasefsError IO */
export async function loadTable(file: DiskFile, length: number): Promise<BlockTable> {
  const count = Math.ceil(length / checksumBlockSize)
  const bytes = Buffer.alloc(4 * count)
  const bits = Buffer.alloc(blockMapSize)
  await Promise.all([readAt(file, bytes, checksumsStart), readAt(file, bits, blockMapStart)])
  return decodeTable(bytes, bits, count)
}

/** Of so many blocks. */
export function decodeTable(bytes: Buffer, bits: Buffer, count: number): BlockTable {
  const { checksums } = emptyTable()
  for (let index = 0; index < count; index++) checksums[index] = bytes.readUInt32LE(4 * index)
  return { checksums, stored: new BlockMap(bits, count) }
}

/** @throws LeasefsError NO_SPACE, IO */
export async function saveTable(file: DiskFile, { checksums, stored }: BlockTable, length: number): Promise<void> {
  const count = Math.ceil(length / checksumBlockSize)
  if (count === 0) return
  const bytes = Buffer.alloc(4 * count)
  for (let index = 0; index < count; index++) bytes.writeUInt32LE(checksums[index] as number, 4 * index)
  await Promise.all([writeAt(file, [bytes], checksumsStart), writeAt(file, [stored.toBuffer()], blockMapStart)])
}

/**
 * Sets the table, for all blocks from `first` on, to what the data say, up to
 * `end` or, if that is not known, to the end of the file; blocks of zeros count
 * as holes. Returns the replica's length as the file has it.
 *
 * @throws LeasefsError IO
 */
export async function recomputeTable(
  file: DiskFile,
  { checksums, stored }: BlockTable,
  first: number,
  end: number | undefined,
): Promise<number> {
  const length = end ?? Math.min(chunkSize, Math.max(0, (await fileSize(file)) - dataStart))
  const bytes = Buffer.allocUnsafe(recomputeReadSize)
  let index = first
  stored.remove(first)
  for (let at = first * checksumBlockSize; at < length; at += bytes.length) {
    const wanted = bytes.subarray(0, Math.min(bytes.length, length - at))
    const read = wanted.subarray(0, await readAt(file, wanted, dataStart + at))
    for (let from = 0; from < read.length; from += checksumBlockSize, index++) {
      const block = read.subarray(from, from + checksumBlockSize)
      checksums[index] = blockChecksum(block)
      if (checksums[index] !== 0 || !block.equals(zeroBlock.subarray(0, block.length))) stored.add(index, index + 1)
    }
  }
  checksums.fill(0, index)
  return length
}

const zeroBlock = Buffer.alloc(checksumBlockSize)
