// Reading one inode: whole blocks, kept for all who read it and fetched ahead
// of sequential readers; exact ranges for those who jump. The blocks of all
// files share one bound.
//
// A block that is out of date is forgotten at once, also while it is on its
// way: whoever waits for it gets it, whoever comes later fetches anew.

import { LRUCache } from 'lru-cache'
import { LeasefsError } from '../base/errors.js'
import { chunkSize, mutationSizeMax } from '../constants.js'
import type { Ino } from '../wire/ids.js'
import { BlockLostError } from './block-lost.js'
import type { ChunkReader } from './chunk-reader.js'
import { readBlockSize } from './limits.js'
import { alignedPieces, type Range } from './ranges.js'
import type { ReadPlan } from './read-ahead.js'

type Pieces = readonly Buffer[]

interface Block {
  readonly owner: Map<number, Block>
  readonly index: number
  /** Bytes from the block's start: fewer than a block where the file ended when it was fetched. */
  readonly length: number
  readonly fetched: Promise<Pieces>
}

/** The bound on what is kept and on its way, over all files. */
export class ReadCache {
  readonly #blocks: LRUCache<Block, true>

  constructor(bytesMax: number) {
    this.#blocks = new LRUCache({
      maxSize: Math.max(bytesMax, readBlockSize),
      sizeCalculation: () => readBlockSize,
      dispose: (_, block) => removeFromOwner(block),
    })
  }

  add(block: Block): void {
    block.owner.set(block.index, block)
    this.#blocks.set(block, true)
  }

  /** It is in use: others go first. */
  touch(block: Block): void {
    this.#blocks.get(block)
  }

  remove(block: Block): void {
    removeFromOwner(block)
    this.#blocks.delete(block)
  }
}

function removeFromOwner(block: Block): void {
  if (block.owner.get(block.index) === block) block.owner.delete(block.index)
}

export class FileReads {
  readonly #ino: Ino
  readonly #chunks: Pick<ChunkReader, 'read'>
  readonly #cache: ReadCache
  readonly #blocks = new Map<number, Block>()
  /** Blocks with something in them that no replica has: of these just what is asked for is fetched. */
  readonly #damaged = new Set<number>()

  constructor(ino: Ino, chunks: Pick<ChunkReader, 'read'>, cache: ReadCache) {
    this.#ino = ino
    this.#chunks = chunks
    this.#cache = cache
  }

  /**
   * The bytes of `range`, which ends within the file's `size`, in pieces that
   * follow one another. `plan` says which blocks to have on the way.
   *
   * @throws LeasefsError IO, and what the master says
   */
  async read(range: Range, size: number, plan: ReadPlan): Promise<Pieces> {
    if (plan.blocks) this.#fetchMissing(plan.blocks.first, plan.blocks.end, size)
    const parts: Promise<Pieces>[] = []
    for (const piece of alignedPieces(range, readBlockSize)) parts.push(this.#readInBlock(piece))
    const [first, ...rest] = await Promise.all(parts)
    return rest.length === 0 ? (first ?? []) : [first ?? [], ...rest].flat()
  }

  /** What was read of this range is out of date. */
  changed({ start, end }: Range): void {
    this.#damaged.clear()
    if (this.#blocks.size === 0) return
    for (let index = Math.floor(start / readBlockSize); index * readBlockSize < end; index++) {
      const block = this.#blocks.get(index)
      if (block) this.#cache.remove(block)
    }
  }

  /** As read(), past everything that is kept: for when nothing that was kept may be used. */
  async readThrough(range: Range): Promise<Pieces> {
    const parts = [...alignedPieces(range, mutationSizeMax)].map(piece => this.#fetch(piece))
    return (await Promise.all(parts)).flat()
  }

  get isEmpty(): boolean {
    return this.#blocks.size === 0
  }

  drop(): void {
    this.#damaged.clear()
    for (const block of [...this.#blocks.values()]) this.#cache.remove(block)
  }

  /** Of one block: from what is kept or on its way, else just this. */
  async #readInBlock(piece: Range): Promise<Pieces> {
    const index = Math.floor(piece.start / readBlockSize)
    const block = this.#blocks.get(index)
    const from = piece.start - index * readBlockSize
    const length = piece.end - piece.start
    if (!block || from + length > block.length) return this.#fetch(piece)
    this.#cache.touch(block)
    try {
      return slicePieces(await block.fetched, from, length)
    } catch (reason) {
      // What is damaged may be elsewhere in the block.
      const isDamage = reason instanceof LeasefsError && reason.cause instanceof BlockLostError
      if (isDamage) this.#damaged.add(index)
      if (length === block.length || !isDamage) throw reason
      return await this.#fetch(piece)
    }
  }

  /** Several neighbours go into one request, unless that would make many small ones of it later. */
  #fetchMissing(first: number, end: number, size: number): void {
    for (let index = first; index < end; index++) {
      if (this.#damaged.has(index)) continue
      const known = this.#blocks.get(index)
      if (known && known.length === blockLength(index, size)) continue
      const groupEnd = Math.min(end, (Math.floor(index / blocksPerRequest) + 1) * blocksPerRequest)
      let count = 1
      while (index + count < groupEnd && !this.#blocks.has(index + count) && !this.#damaged.has(index + count)) count++
      // Far ahead there is time to wait until a whole request's worth is wanted.
      const whole = (index + count) % blocksPerRequest === 0 || (index + count) * readBlockSize >= size
      if (!whole && index > first + blocksPerRequest) return
      this.#fetchBlocks(index, count, size)
      index += count - 1
    }
  }

  #fetchBlocks(first: number, count: number, size: number): void {
    const start = first * readBlockSize
    const fetched = this.#fetch({ start, end: Math.min(size, start + count * readBlockSize) })
    for (let index = first; index < first + count; index++) {
      const from = (index - first) * readBlockSize
      const length = blockLength(index, size)
      const own = count === 1 ? fetched : fetched.then(pieces => slicePieces(pieces, from, length))
      const block = { owner: this.#blocks, index, length, fetched: own }
      // Nobody may be waiting for it yet; who comes next tries again.
      own.catch(() => this.#cache.remove(block))
      const stale = this.#blocks.get(index)
      if (stale) this.#cache.remove(stale)
      this.#cache.add(block)
    }
  }

  /** Within one aligned stretch of mutationSizeMax, and so within one chunk and one request. */
  #fetch({ start, end }: Range): Promise<Pieces> {
    const index = Math.floor(start / chunkSize)
    return this.#chunks.read({ ino: this.#ino, index, offset: start - index * chunkSize, length: end - start })
  }
}

const blocksPerRequest = mutationSizeMax / readBlockSize

function blockLength(index: number, size: number): number {
  return Math.min(readBlockSize, size - index * readBlockSize)
}

/** Bytes [from, from + length) of the pieces, without copying. */
export function slicePieces(pieces: Pieces, from: number, length: number): Pieces {
  const slices: Buffer[] = []
  let at = 0
  for (const piece of pieces) {
    const start = Math.max(from - at, 0)
    const end = Math.min(from + length - at, piece.length)
    if (start < end) slices.push(start === 0 && end === piece.length ? piece : piece.subarray(start, end))
    at += piece.length
    if (at >= from + length) break
  }
  return slices
}
