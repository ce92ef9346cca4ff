// Checksums of blocks, over data that lies in pieces of any size, without
// copying it.
//
// A block's stored checksum is crc32(the block, padded with zeros to
// checksumBlockSize) XOR crc32(a block of zeros). So a block never written, in
// an area never written, verifies: both are zeros.

import assert from 'node:assert/strict'
import { crc32 as nativeCrc32 } from '@node-rs/crc32'
import { checksumBlockSize } from '../../constants.js'

const zeros = Buffer.alloc(checksumBlockSize)
const zeroCrc = nativeCrc32(zeros)

/** crc32 as in zlib. `state` is the crc32 of the bytes before these. */
export function crc32(bytes: Uint8Array, state = 0): number {
  return nativeCrc32(bytes, state)
}

/** The stored checksum of a block whose first bytes are `bytes`, the rest zeros. */
export function blockChecksum(bytes: Uint8Array): number {
  return finish(nativeCrc32(bytes), bytes.length)
}

function finish(state: number, length: number): number {
  const padded = length < checksumBlockSize ? nativeCrc32(zeros.subarray(length), state) : state
  return (padded ^ zeroCrc) >>> 0
}

/** The crc32 behind a stored checksum of a full block. */
export function fullBlockCrc32(checksum: number): number {
  return (checksum ^ zeroCrc) >>> 0
}

/**
 * crc32 of X followed by a full block, from crc32(X) and crc32(block): what
 * the bytes of the block contribute does not depend on X, and what X
 * contributes is linear in its bits, so four table look-ups move it past a block.
 */
export function appendBlockCrc32(state: number, block: number): number {
  return (
    ((shift[state & 0xff] as number) ^
      (shift[256 + ((state >>> 8) & 0xff)] as number) ^
      (shift[512 + ((state >>> 16) & 0xff)] as number) ^
      (shift[768 + (state >>> 24)] as number) ^
      block) >>>
    0
  )
}

/** [256 × i + b]: what byte i of the state, being b, becomes when a block of zeros follows. */
const shift = new Uint32Array(4 * 256)
for (let bit = 0; bit < 32; bit++) {
  const moved = nativeCrc32(zeros, 2 ** bit) ^ zeroCrc
  const table = 256 * Math.floor(bit / 8)
  for (let byte = 0; byte < 256; byte++)
    if (byte & (1 << (bit % 8))) shift[table + byte] = (shift[table + byte] ?? 0) ^ moved
}

/**
 * The stored checksums of the blocks that `head`, the pieces and `tail`
 * together cover. The first byte of `head` (or of the pieces, if it is empty)
 * is at the start of a block.
 */
export function blockChecksums(head: Buffer, pieces: readonly Buffer[], tail: Buffer, length: number): Uint32Array {
  assert(head.length < checksumBlockSize)
  const checksums = new Uint32Array(Math.ceil((head.length + length) / checksumBlockSize))
  let index = 0
  let state = crc32(head)
  let filled = head.length
  for (const piece of pieces) {
    let from = 0
    while (from < piece.length) {
      const to = Math.min(piece.length, from + checksumBlockSize - filled)
      state = nativeCrc32(from === 0 && to === piece.length ? piece : piece.subarray(from, to), state)
      filled += to - from
      from = to
      if (filled < checksumBlockSize) continue
      checksums[index++] = finish(state, filled)
      state = 0
      filled = 0
    }
  }
  assert(filled + tail.length <= checksumBlockSize)
  if (filled > 0) checksums[index++] = finish(crc32(tail, state), filled + tail.length)
  assert.equal(index, checksums.length)
  return checksums
}
