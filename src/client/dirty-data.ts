// What has been written to one file and has not been applied by all replicas.
// Bookkeeping only: no I/O, no time.
//
// A file is cut into blocks of one mutation's size. The bytes of a block lie in
// extents. Open extents take further writes: they are merged, sorted and never
// overlap. Sealed extents are on their way to the replicas and never change;
// they may lie below newer open ones. What a reader must see is the sealed
// extents in the order of sealing, and the open ones on top.

import assert from 'node:assert/strict'
import { KiB } from '../base/units.js'
import { mutationSizeMax } from '../constants.js'
import type { BufferPool } from './buffer-pool.js'
import { alignedPieces, type Range, uncovered } from './ranges.js'

/** Consecutive dirty bytes within one block. */
export interface Extent {
  /** Offset in the file. */
  readonly start: number
  /** Bytes of `buffer` that count. */
  length: number
  /** May have room for more behind `length`. */
  buffer: Buffer
}

interface Block {
  open: Extent[]
  readonly sealed: Extent[]
}

const firstCapacity = 4 * KiB
/** An extent that has grown so far gets room up to the end of its block at once. */
const growingCapacity = 64 * KiB

export class DirtyData {
  readonly #pool: BufferPool
  readonly #blocks = new Map<number, Block>()
  /** Blocks with open extents, and those of them that are whole. */
  readonly #openBlocks = new Set<number>()
  readonly #full = new Set<number>()
  #bytes = 0

  constructor(pool: BufferPool) {
    this.#pool = pool
  }

  /** Memory held, sealed extents included. */
  get bytes(): number {
    return this.#bytes
  }

  get isEmpty(): boolean {
    return this.#blocks.size === 0
  }

  /** Whether anything would be sealed by sealAll(). */
  get hasOpen(): boolean {
    return this.#openBlocks.size > 0
  }

  /** Where the first dirty byte at or beyond `offset` lies. */
  firstFrom(offset: number): number | undefined {
    let first: number | undefined
    for (const extent of this.#extents()) {
      if (endOf(extent) > offset) first = Math.min(first ?? Infinity, Math.max(offset, extent.start))
    }
    return first
  }

  /** Copies the bytes in. */
  write(offset: number, data: Buffer): void {
    for (const { start, end } of alignedPieces({ start: offset, end: offset + data.length }, mutationSizeMax)) {
      const index = blockOf(start)
      const block = this.#blocks.get(index) ?? { open: [], sealed: [] }
      this.#blocks.set(index, block)
      this.#openBlocks.add(index)
      this.#writeInBlock(block, start, data.subarray(start - offset, end - offset))
      if (block.open[0]?.length === mutationSizeMax) this.#full.add(index)
    }
  }

  /** Blocks that are whole, each one extent: sealed, to be pushed. */
  sealFull(): Extent[] {
    const sealed = [...this.#full].flatMap(index => this.#seal(index))
    assert(this.#full.size === 0)
    return sealed
  }

  /** Everything that is open, by offset. */
  sealAll(): Extent[] {
    return [...this.#openBlocks].sort((a, b) => a - b).flatMap(index => this.#seal(index))
  }

  /** A sealed extent has been applied, or is given up. */
  settle(extent: Extent): void {
    const index = blockOf(extent.start)
    const block = this.#blocks.get(index)
    const position = block?.sealed.indexOf(extent) ?? -1
    assert(block && position >= 0)
    block.sealed.splice(position, 1)
    this.#bytes -= extent.buffer.length
    this.#removeIfEmpty(index, block)
  }

  /** The file ends at `size` now. Sealed extents beyond it must have been settled. */
  cut(size: number): void {
    for (const [index, block] of this.#blocks) {
      assert(block.sealed.every(extent => endOf(extent) <= size))
      const kept = block.open.filter(({ start }) => start < size)
      for (const extent of block.open) if (extent.start >= size) this.#bytes -= extent.buffer.length
      for (const extent of kept) extent.length = Math.min(extent.length, size - extent.start)
      block.open = kept
      if (kept.length === 0) this.#openBlocks.delete(index)
      if (kept[0]?.length !== mutationSizeMax) this.#full.delete(index)
      this.#removeIfEmpty(index, block)
    }
  }

  /** Whether any byte of the range is dirty. */
  touches({ start, end }: Range): boolean {
    for (const _ of this.#touching({ start, end })) return true
    return false
  }

  /** What of the range must be read elsewhere. */
  missing(range: Range): Range[] {
    const dirty = [...this.#touching(range)].map(extent => ({ start: extent.start, end: endOf(extent) }))
    return uncovered(range, dirty)
  }

  /** Copies what is dirty of the bytes from `offset` on over `target`. */
  copyTo(target: Buffer, offset: number): void {
    const range = { start: offset, end: offset + target.length }
    for (const extent of this.#touching(range)) {
      const from = Math.max(extent.start, range.start)
      const to = Math.min(endOf(extent), range.end)
      extent.buffer.copy(target, from - offset, from - extent.start, to - extent.start)
    }
  }

  /** Oldest first: a later one hides an earlier one. */
  *#touching({ start, end }: Range): Generator<Extent> {
    if (this.#blocks.size === 0) return
    for (let index = blockOf(start); index * mutationSizeMax < end; index++) {
      const block = this.#blocks.get(index)
      if (!block) continue
      for (const extent of block.sealed) if (extent.start < end && endOf(extent) > start) yield extent
      for (const extent of block.open) if (extent.start < end && endOf(extent) > start) yield extent
    }
  }

  *#extents(): Generator<Extent> {
    for (const block of this.#blocks.values()) {
      yield* block.sealed
      yield* block.open
    }
  }

  #seal(index: number): Extent[] {
    const block = this.#blocks.get(index)
    assert(block)
    const extents = block.open
    block.sealed.push(...extents)
    block.open = []
    this.#openBlocks.delete(index)
    this.#full.delete(index)
    return extents
  }

  #removeIfEmpty(index: number, block: Block): void {
    if (block.open.length === 0 && block.sealed.length === 0) this.#blocks.delete(index)
  }

  #writeInBlock({ open }: Block, start: number, piece: Buffer): void {
    const end = start + piece.length
    const at = firstEndingFrom(open, start)
    const extent = open[at]
    const next = open[at + 1]
    if (extent && extent.start <= start && (!next || end <= next.start)) this.#writeInto(extent, start, piece)
    else this.#mergeAt(open, at, start, piece)
  }

  /** What the piece overlaps becomes one extent with it; what it only touches stays apart. */
  #mergeAt(open: Extent[], at: number, start: number, piece: Buffer): void {
    const end = start + piece.length
    let last = at
    while (last < open.length && (open[last]?.start ?? end) < end) last++
    const overlapped = open.slice(at, last)
    const merged = this.#emptyExtent(
      Math.min(start, overlapped[0]?.start ?? start),
      Math.max(end, ...overlapped.map(endOf)),
    )
    for (const old of overlapped) {
      old.buffer.copy(merged.buffer, old.start - merged.start, 0, old.length)
      this.#bytes -= old.buffer.length
    }
    piece.copy(merged.buffer, start - merged.start)
    open.splice(at, overlapped.length, merged)
  }

  /** The piece begins within the extent or right behind it. */
  #writeInto(extent: Extent, start: number, piece: Buffer): void {
    const length = Math.max(extent.length, start + piece.length - extent.start)
    if (length > extent.buffer.length) {
      const grown = this.#emptyExtent(extent.start, extent.start + length).buffer
      extent.buffer.copy(grown, 0, 0, extent.length)
      this.#bytes -= extent.buffer.length
      extent.buffer = grown
    }
    piece.copy(extent.buffer, start - extent.start)
    extent.length = length
  }

  /** For bytes from `start` to `end` of one block, with room for more. Counted as held. */
  #emptyExtent(start: number, end: number): Extent {
    const roomMax = mutationSizeMax - (start % mutationSizeMax)
    const length = end - start
    const wanted = length >= growingCapacity ? roomMax : 2 ** Math.ceil(Math.log2(Math.max(length, firstCapacity)))
    const buffer = this.#pool.take(Math.min(roomMax, wanted))
    this.#bytes += buffer.length
    return { start, length, buffer }
  }
}

function blockOf(offset: number): number {
  return Math.floor(offset / mutationSizeMax)
}

export function endOf({ start, length }: Extent): number {
  return start + length
}

/** Position of the first extent that does not end before `offset`. */
function firstEndingFrom(extents: readonly Extent[], offset: number): number {
  let low = 0
  let high = extents.length
  while (low < high) {
    const middle = (low + high) >>> 1
    const extent = extents[middle]
    assert(extent)
    if (endOf(extent) < offset) low = middle + 1
    else high = middle
  }
  return low
}
