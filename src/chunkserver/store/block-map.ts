// Which blocks of a replica are stored: those that were written, also if they
// are zeros. All others are holes.

import assert from 'node:assert/strict'
import { KiB } from '../../base/units.js'
import { checksumBlockSize } from '../../constants.js'
import { blocksPerChunk } from './chunk-format.js'

/** What is stored is counted in these, as file systems do. */
const allocationUnit = 4 * KiB

/** Blocks first to end − 1. */
export interface BlockRun {
  readonly first: number
  readonly end: number
}

export class BlockMap {
  readonly #bits: Uint8Array
  #count = 0

  /** `bits`: one a block, lowest bit first; those from block `end` on count for nothing. */
  constructor(bits: Uint8Array = new Uint8Array(0), end = 0) {
    this.#bits = new Uint8Array(blocksPerChunk / 8)
    for (let index = 0; index < Math.min(end, 8 * bits.length); index++) {
      if (((bits[index >> 3] as number) >> (index & 7)) & 1) this.add(index, index + 1)
    }
  }

  has(index: number): boolean {
    return (((this.#bits[index >> 3] as number) >> (index & 7)) & 1) === 1
  }

  /** Blocks first to end − 1 are stored. */
  add(first: number, end: number): void {
    assert(first >= 0 && end <= blocksPerChunk)
    for (let index = first; index < end; index++) {
      if (this.has(index)) continue
      this.#bits[index >> 3] = (this.#bits[index >> 3] as number) | (1 << (index & 7))
      this.#count++
    }
  }

  /** Blocks first to end − 1 are holes. */
  remove(first: number, end = blocksPerChunk): void {
    for (let index = first; index < end; index++) {
      if (!this.has(index)) continue
      this.#bits[index >> 3] = (this.#bits[index >> 3] as number) & ~(1 << (index & 7))
      this.#count--
    }
  }

  /** A copy: one bit a block, lowest bit first. */
  toBuffer(): Buffer {
    return Buffer.from(this.#bits)
  }

  /** What the stored blocks have of a replica of that length, in whole allocation units. */
  allocatedBytes(length: number): number {
    const within = length % checksumBlockSize
    const last = (length - within) / checksumBlockSize
    if (within === 0 || !this.has(last)) return this.#count * checksumBlockSize
    return (this.#count - 1) * checksumBlockSize + Math.ceil(within / allocationUnit) * allocationUnit
  }
}

/** The longest runs of blocks among first to end − 1 for which `of` holds. */
export function* blockRuns(first: number, end: number, of: (index: number) => boolean): Iterable<BlockRun> {
  for (let index = first; index < end; index++) {
    if (!of(index)) continue
    const start = index
    while (index < end && of(index)) index++
    yield { first: start, end: index }
  }
}
