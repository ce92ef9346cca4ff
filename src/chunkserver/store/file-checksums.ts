// The checksums of a replica file: loaded from it, or computed from its data.

import { checksumBlockSize, chunkSize } from '../../constants.js'
import { blockChecksum } from './checksums.js'
import { blocksPerChunk, checksumsStart, dataStart } from './chunk-format.js'
import { type DiskFile, fileSize, readAt } from './disk.js'
import { recomputeReadSize } from './limits.js'

/** Those beyond the replica's end are zeros, whatever the file has there. @throws LeasefsError IO */
export async function loadChecksums(file: DiskFile, length: number): Promise<Uint32Array> {
  const count = Math.ceil(length / checksumBlockSize)
  const bytes = Buffer.alloc(4 * count)
  await readAt(file, bytes, checksumsStart)
  const checksums = new Uint32Array(blocksPerChunk)
  for (let index = 0; index < count; index++) checksums[index] = bytes.readUInt32LE(4 * index)
  return checksums
}

/**
 * Sets the checksums of all blocks from `first` on to those of the data, up to
 * `end` or, if that is not known, to the end of the file. Returns the
 * replica's length as the file has it.
 *
 * @throws LeasefsError IO
 */
export async function recomputeChecksums(
  file: DiskFile,
  checksums: Uint32Array,
  first: number,
  end: number | undefined,
): Promise<number> {
  const length = end ?? Math.min(chunkSize, Math.max(0, (await fileSize(file)) - dataStart))
  const bytes = Buffer.allocUnsafe(recomputeReadSize)
  let index = first
  for (let at = first * checksumBlockSize; at < length; at += bytes.length) {
    const wanted = bytes.subarray(0, Math.min(bytes.length, length - at))
    const read = wanted.subarray(0, await readAt(file, wanted, dataStart + at))
    for (let from = 0; from < read.length; from += checksumBlockSize) {
      checksums[index++] = blockChecksum(read.subarray(from, from + checksumBlockSize))
    }
  }
  checksums.fill(0, index)
  return length
}
