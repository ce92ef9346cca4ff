// What one file's writes leave to the process that comes next: the bytes, from
// the moment they are taken until all replicas have applied them, and what the
// master, or the program, has not been told.
//
// A write is kept in pieces, each within a block (dirty-data.ts). A piece goes
// with the extent that its bytes are in: it is sealed with that, and removed when
// that has been applied. An open piece that is written over whole is removed at once.

import { mutationSizeMax } from '../constants.js'
import type { DataId, Ino } from '../wire/ids.js'
import { type Extent, endOf } from './dirty-data.js'
import type { Timestamp } from './file-system.js'
import type { BatchMutation } from './mutate.js'
import { alignedPieces, type Range, uncovered } from './ranges.js'
import type { InodeState, PushedBatch, Survival, WrittenPiece } from './survival.js'

interface Piece {
  readonly sequence: number
  readonly start: number
  readonly end: number
}

export class SurvivingWrites {
  readonly #survival: Survival
  readonly #ino: Ino
  /** By block. */
  readonly #open = new Map<number, Piece[]>()
  readonly #sealed = new Map<Extent, readonly Piece[]>()
  #hasState = false
  #bytes = 0

  constructor(survival: Survival, ino: Ino) {
    this.#survival = survival
    this.#ino = ino
  }

  /** Bytes that are kept. */
  get bytes(): number {
    return this.#bytes
  }

  /** `cause` if it must not be written a second time, wherever the file ends by then. */
  wrote(offset: number, data: Buffer, mtime: Timestamp, cause: number | undefined): void {
    const end = offset + data.length
    for (const range of alignedPieces({ start: offset, end }, mutationSizeMax)) {
      const gone = this.#takeCovered(range.start, range.end)
      const piece = { sequence: this.#survival.nextSequence(), ...range }
      const value = { ino: this.#ino, offset: range.start, mtime, cause, ...(range.end === end && { last: true }) }
      const bytes = data.subarray(range.start - offset, range.end - offset)
      this.#survival.map.put(keyOf(piece), value, [bytes], gone.map(keyOf))
      this.#add(piece)
    }
  }

  /** These extents take no more writes. */
  sealed(extents: readonly Extent[]): void {
    for (const extent of extents) this.#sealed.set(extent, this.#take(extent.start, endOf(extent)))
  }

  /** Sealed extents are about to be applied, under these ids. Returns the name of that. */
  pushing(extents: readonly Extent[], ids: readonly DataId[]): string {
    const through = this.#survival.nextSequence()
    const key = `push/${through}`
    const list = extents.map(({ start, length }, i) => [start, length, ids[i]?.client, ids[i]?.counter])
    this.#survival.map.put(key, { ino: this.#ino, through, extents: list })
    return key
  }

  /** They have been applied, or have failed; `state` says what is to be remembered of that. */
  settled(
    extents: readonly Extent[],
    pushed: string | undefined,
    state: Omit<InodeState, 'sequence'> | undefined,
  ): void {
    const gone = pushed === undefined ? [] : [pushed]
    for (const extent of extents) {
      for (const piece of this.#sealed.get(extent) ?? []) gone.push(this.#remove(piece))
      this.#sealed.delete(extent)
    }
    this.state(state, gone)
  }

  /** Nothing beyond `size` is dirty any more. `kept` is what still is of a range before it. */
  cut(size: number, kept: (range: Range) => readonly { start: number; bytes: Buffer }[], mtime: Timestamp): void {
    const gone: Piece[] = []
    for (const [block, pieces] of [...this.#open]) {
      const beyond = pieces.filter(({ end }) => end > size)
      if (beyond.length === 0) continue
      for (const piece of beyond) this.#remove(piece)
      this.#open.set(
        block,
        pieces.filter(({ end }) => end <= size),
      )
      const from = Math.min(...beyond.map(({ start }) => start))
      for (const range of kept({ start: from, end: size })) this.wrote(range.start, range.bytes, mtime, undefined)
      gone.push(...beyond)
    }
    this.#survival.map.remove(gone.map(keyOf))
  }

  /** What is to be remembered; undefined: nothing. */
  state(state: Omit<InodeState, 'sequence'> | undefined, gone: readonly string[] = []): void {
    const key = `inode/${this.#ino}`
    if (state) this.#survival.map.put(key, { ...state, sequence: this.#survival.nextSequence() }, [], gone)
    else this.#survival.map.remove(this.#hasState ? [key, ...gone] : gone)
    this.#hasState = state !== undefined
  }

  /** Nothing is to be remembered, and it does no harm if something is. */
  forgetState(): void {
    if (this.#hasState) this.#survival.map.forget(`inode/${this.#ino}`)
    this.#hasState = false
  }

  /** A mutation without data is about to be applied. Returns the name of that, for applied(). */
  applying(index: number, mutation: BatchMutation): string {
    const key = `one/${mutation.id.client}:${mutation.id.counter}`
    this.#survival.map.put(key, { ino: this.#ino, index, mutation })
    return key
  }

  applied(key: string): void {
    this.#survival.map.remove([key])
  }

  /** Found: the bytes are open. */
  foundOpen({ sequence, offset, bytes }: WrittenPiece): void {
    this.#add({ sequence, start: offset, end: offset + bytes.length })
  }

  /** Found: the bytes are those of the sealed extent. */
  foundSealed(extent: Extent, pieces: readonly WrittenPiece[]): void {
    for (const piece of pieces) this.foundOpen(piece)
    this.sealed([extent])
  }

  foundState(): void {
    this.#hasState = true
  }

  #add(piece: Piece): void {
    const block = blockOf(piece.start)
    const pieces = this.#open.get(block)
    if (pieces) pieces.push(piece)
    else this.#open.set(block, [piece])
    this.#bytes += sizeOf(piece)
  }

  #remove(piece: Piece): string {
    this.#bytes -= sizeOf(piece)
    return keyOf(piece)
  }

  /** The open pieces that lie in the range, which is within a block: no longer open. */
  #take(start: number, end: number): Piece[] {
    const block = blockOf(start)
    const pieces = this.#open.get(block)
    if (!pieces) return []
    const taken = pieces.filter(piece => piece.start >= start && piece.end <= end)
    if (taken.length === pieces.length) this.#open.delete(block)
    else if (taken.length > 0) {
      this.#open.set(
        block,
        pieces.filter(piece => !taken.includes(piece)),
      )
    }
    return taken
  }

  #takeCovered(start: number, end: number): Piece[] {
    const covered = this.#take(start, end)
    for (const piece of covered) this.#remove(piece)
    return covered
  }
}

/** An extent that was being applied by an earlier process, of the pieces it was made of. */
export interface FoundExtent {
  readonly start: number
  /** Undefined: they are not all there. */
  readonly bytes: Buffer | undefined
  readonly pieces: readonly WrittenPiece[]
}

/** The extents of a batch that was being applied. Their pieces are no longer among the `open` ones. */
export function foundExtents({ through, extents }: PushedBatch, open: Set<WrittenPiece>): FoundExtent[] {
  return extents.map(({ start, length }) => {
    const end = start + length
    const pieces = [...open].filter(({ sequence, offset, bytes }) => {
      return sequence <= through && offset >= start && offset + bytes.length <= end
    })
    const ranges = pieces.map(({ offset, bytes }) => ({ start: offset, end: offset + bytes.length }))
    const bytes = Buffer.alloc(length)
    for (const piece of pieces) {
      open.delete(piece)
      piece.bytes.copy(bytes, piece.offset - start)
    }
    return { start, bytes: uncovered({ start, end }, ranges).length === 0 ? bytes : undefined, pieces }
  })
}

/** About what a record has besides its bytes. */
const recordBytes = 128

function sizeOf({ start, end }: Piece): number {
  return end - start + recordBytes
}

function keyOf({ sequence }: Piece): string {
  return `write/${sequence}`
}

function blockOf(offset: number): number {
  return Math.floor(offset / mutationSizeMax)
}
