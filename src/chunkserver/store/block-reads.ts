// From blocks as they were read to bytes that may leave: every block is
// verified, and the checksum of what is asked for comes from those of the
// blocks wherever it covers them whole.

import { LeasefsError } from '../../base/errors.js'
import { checksumBlockSize } from '../../constants.js'
import { appendBlockCrc32, blockChecksum, crc32, fullBlockCrc32 } from './checksums.js'
import type { StoredBytes } from './chunk-store.js'

/**
 * Bytes [offset, end) of a replica. `bytes` starts with block `first`, and ends
 * with the block of `end` or with the replica.
 *
 * @throws LeasefsError CORRUPT
 */
export function verifiedBytes(
  bytes: Buffer,
  checksums: Uint32Array,
  first: number,
  offset: number,
  end: number,
  name: string,
): StoredBytes {
  const start = first * checksumBlockSize
  let state = 0
  for (let at = 0, index = first; at < bytes.length; at += checksumBlockSize, index++) {
    const block = bytes.subarray(at, at + checksumBlockSize)
    const checksum = blockChecksum(block)
    if (checksum !== checksums[index]) throw new LeasefsError('CORRUPT', `${name} is damaged in block ${index}`)
    const from = Math.max(0, offset - start - at)
    const to = Math.min(block.length, end - start - at)
    const whole = from === 0 && to === checksumBlockSize
    state = whole ? appendBlockCrc32(state, fullBlockCrc32(checksum)) : crc32(block.subarray(from, to), state)
  }
  return { buffers: [bytes.subarray(offset - start, end - start)], length: end - offset, crc32: state }
}
