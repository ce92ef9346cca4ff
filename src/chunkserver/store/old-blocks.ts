// Blocks of a replica file as they are before a change: what a write that
// covers a block in part leaves standing.

import { LeasefsError } from '../../base/errors.js'
import { checksumBlockSize } from '../../constants.js'
import { blockChecksum } from './checksums.js'
import { dataStart } from './chunk-format.js'
import { type DiskFile, readAt } from './disk.js'

const nothing = Buffer.alloc(0)

export interface OldBlocks {
  readonly file: DiskFile
  /** Of the replica. */
  readonly length: number
  readonly checksums: Uint32Array
  /** Of the replica, for messages. */
  readonly name: string
}

/** The bytes of these blocks, up to the end of the replica. Not verified. @throws LeasefsError CORRUPT (the file is too short), IO */
export async function readBlocks({ file, length, name }: OldBlocks, first: number, last: number): Promise<Buffer> {
  const start = first * checksumBlockSize
  const end = Math.min((last + 1) * checksumBlockSize, length)
  const bytes = Buffer.allocUnsafe(end - start)
  const count = await readAt(file, bytes, dataStart + start)
  if (count < bytes.length) throw new LeasefsError('CORRUPT', `${name} ends early, at byte ${start + count}`)
  return bytes
}

/** The block, verified; as long as the replica has it. @throws LeasefsError CORRUPT, IO */
export async function oldBlock(old: OldBlocks, index: number): Promise<Buffer> {
  if (index * checksumBlockSize >= old.length) return nothing
  const bytes = await readBlocks(old, index, index)
  if (blockChecksum(bytes) !== old.checksums[index]) {
    throw new LeasefsError('CORRUPT', `${old.name} is damaged in block ${index}`)
  }
  return bytes
}

/**
 * What stays around [offset, end) in the blocks where it begins and ends. Zeros
 * stand for what was never there before it; nothing is left out after it.
 *
 * @throws LeasefsError CORRUPT, IO
 */
export async function oldEdges(old: OldBlocks, offset: number, end: number): Promise<{ head: Buffer; tail: Buffer }> {
  const [before, within] = [offset % checksumBlockSize, end % checksumBlockSize]
  const [first, last] = [(offset - before) / checksumBlockSize, (end - within) / checksumBlockSize]
  const headBlock = before > 0 ? await oldBlock(old, first) : nothing
  const head = Buffer.concat([headBlock.subarray(0, before)], before)
  if (within === 0 || end >= old.length) return { head, tail: nothing }
  const tailBlock = before > 0 && last === first ? headBlock : await oldBlock(old, last)
  return { head, tail: tailBlock.subarray(within) }
}
