// How far to read ahead of one reader. A plan, not an action.
//
// A reader that goes on where it was is sequential: the window doubles with
// each block it enters, up to a limit. One that jumps is not: it gets exactly
// what it asks for. The kernel sends the parts of a sequential read at once and
// in any order, so a little forth and back counts as going on.

import { readAheadBytesMax, readBlockSize } from './limits.js'

export interface Reader {
  /** The furthest byte that was asked for, as long as the reader is sequential. */
  readonly frontier: number
  /** Bytes to have beyond it. */
  readonly window: number
}

export interface ReadPlan {
  readonly reader: Reader
  /** Blocks [first, end) to have or to fetch, in units of readBlockSize; undefined: read the range itself and keep nothing. */
  readonly blocks: { readonly first: number; readonly end: number } | undefined
}

/** The beginning of a file is where sequential reading starts. */
export const newReader: Reader = { frontier: 0, window: 0 }

const slack = 4 * readBlockSize

/** `length` bytes are read at `offset` of a file of `size` bytes: offset + length <= size. */
export function planRead(reader: Reader, offset: number, length: number, size: number): ReadPlan {
  const end = offset + length
  const sequential = offset <= reader.frontier + slack && offset >= reader.frontier - slack - reader.window
  if (!sequential) return { reader: { frontier: end, window: 0 }, blocks: undefined }

  const frontier = Math.max(reader.frontier, end)
  const entered = Math.ceil(frontier / readBlockSize) - Math.ceil(reader.frontier / readBlockSize)
  const window = entered > 0 ? widened(reader.window) : reader.window
  const ahead = Math.min(size, frontier + window)
  return {
    reader: { frontier, window },
    blocks: { first: Math.floor(offset / readBlockSize), end: Math.ceil(ahead / readBlockSize) },
  }
}

function widened(window: number): number {
  return Math.min(readAheadBytesMax, Math.max(readBlockSize, 2 * window))
}
