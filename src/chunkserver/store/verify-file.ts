// What the disk has of a replica file, against what it should have.

import { LeasefsError } from '../../base/errors.js'
import { checksumBlockSize } from '../../constants.js'
import type { BlockRun } from './block-map.js'
import { blockChecksum } from './checksums.js'
import { blockMapSize, blockMapStart, checksumsStart, dataStart, decodeHeader, headerSize } from './chunk-format.js'
import type { DirectReads } from './direct-reads.js'
import { type DiskFile, fileStats } from './disk.js'
import { type BlockTable, decodeTable } from './file-checksums.js'
import type { ReplicaRecord } from './replica-record.js'

/**
 * Those blocks of the run that are damaged or can't be read; the run ends
 * within the replica, which is `length` bytes long. Under a claim of them.
 *
 * @throws LeasefsError IO: not one of them can be read
 */
export async function damagedBlocks(
  direct: DirectReads,
  path: string,
  length: number,
  checksums: Uint32Array,
  { first, end }: BlockRun,
): Promise<readonly number[]> {
  const start = first * checksumBlockSize
  const wanted = Math.min(length, end * checksumBlockSize) - start
  try {
    return await direct.read(path, dataStart + start, wanted, ({ bytes }) => {
      const indexes = Array.from({ length: end - first }, (_, count) => first + count)
      return indexes.filter(index => {
        const from = (index - first) * checksumBlockSize
        const block = bytes.subarray(from, Math.min(from + checksumBlockSize, wanted))
        const isWhole = block.length === Math.min(checksumBlockSize, wanted - from)
        return !isWhole || blockChecksum(block) !== checksums[index]
      })
    })
  } catch (reason) {
    if (!(reason instanceof LeasefsError) || reason.code !== 'IO') throw reason
    if (end - first === 1) return [first]
  }
  const damaged: number[] = []
  for (let index = first; index < end; index++) {
    damaged.push(...(await damagedBlocks(direct, path, length, checksums, { first: index, end: index + 1 })))
  }
  return damaged
}

/**
 * Whether the header, and the table of blocks, are in the file as they should
 * be. While nobody changes them.
 *
 * @throws LeasefsError IO
 */
export async function readHead(
  direct: DirectReads,
  file: DiskFile,
  record: ReplicaRecord,
  table: BlockTable,
): Promise<'gone' | { readonly header: boolean; readonly table: boolean }> {
  const { dev, ino } = await fileStats(file)
  try {
    return await direct.read(file.path, 0, dataStart, ({ bytes, stats }) => {
      if (stats.dev !== dev || stats.ino !== ino) return 'gone'
      return { header: hasHeader(bytes, record), table: hasTable(bytes, record, table) }
    })
  } catch (reason) {
    if (reason instanceof LeasefsError && reason.code === 'NOT_FOUND') return 'gone'
    throw reason
  }
}

function hasHeader(bytes: Buffer, { handle, version, dirty, sequence }: ReplicaRecord): boolean {
  try {
    const header = decodeHeader(bytes.subarray(0, headerSize), handle)
    return header.version === version && header.dirty === dirty && header.sequence === sequence
  } catch (reason) {
    if (!(reason instanceof LeasefsError)) throw reason
    return false
  }
}

/** The table of a replica that has changed counts only in memory. */
function hasTable(bytes: Buffer, { length, dirty, checksumsSaved }: ReplicaRecord, { checksums, stored }: BlockTable) {
  if (dirty && !checksumsSaved) return true
  const count = Math.ceil(length / checksumBlockSize)
  if (count === 0) return true
  if (bytes.length < blockMapStart + blockMapSize) return false
  const bits = bytes.subarray(blockMapStart, blockMapStart + blockMapSize)
  const there = decodeTable(bytes.subarray(checksumsStart, blockMapStart), bits, count)
  for (let index = 0; index < count; index++) {
    if (there.checksums[index] !== checksums[index] || there.stored.has(index) !== stored.has(index)) return false
  }
  return true
}
