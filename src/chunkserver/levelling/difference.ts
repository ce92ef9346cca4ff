// What must be done to a replica so that it holds what another does. Pure:
// from the checksums, block maps and lengths of the two.

import assert from 'node:assert/strict'
import { checksumBlockSize, mutationSizeMax } from '../../constants.js'
import { BlockMap, type BlockRun, blockRuns } from '../store/block-map.js'
import type { StoredChecksums } from '../store/chunk-store.js'

/** Runs are whole blocks, as far as the source goes. */
export interface Difference {
  readonly holes: readonly BlockRun[]
  /** At most mutationSizeMax each. */
  readonly fetches: readonly BlockRun[]
  /** With all that the replica is still shorter than the source, and grows to this. */
  readonly growTo: number | undefined
}

/** The replica is not longer than the source. Undefined: they hold the same. */
export function difference(own: StoredChecksums, source: StoredChecksums): Difference | undefined {
  assert(own.length <= source.length)
  const ours = new BlockMap(own.blocks, own.checksums.length)
  const theirs = new BlockMap(source.blocks, source.checksums.length)
  const differs = (index: number) => {
    return own.checksums[index] !== source.checksums[index] || ours.has(index) !== theirs.has(index)
  }
  const count = source.checksums.length
  const holes = [...blockRuns(0, count, index => !theirs.has(index) && isSomething(own, ours, index))]
  const fetches = [...blockRuns(0, count, index => theirs.has(index) && differs(index))].flatMap(inPieces)
  const end = Math.max(own.length, ...fetches.map(run => endOf(run, source.length)))
  const growTo = end < source.length ? source.length : undefined
  if (growTo === undefined && holes.length === 0 && fetches.length === 0) return undefined
  return { holes, fetches, growTo }
}

/** Bytes of the replica that a run of blocks has, of a replica that long. */
export function endOf({ end }: BlockRun, length: number): number {
  return Math.min(end * checksumBlockSize, length)
}

function isSomething(own: StoredChecksums, ours: BlockMap, index: number): boolean {
  return ours.has(index) || (own.checksums[index] ?? 0) !== 0
}

function inPieces({ first, end }: BlockRun): BlockRun[] {
  const step = mutationSizeMax / checksumBlockSize
  const pieces: BlockRun[] = []
  for (let at = first; at < end; at += step) pieces.push({ first: at, end: Math.min(at + step, end) })
  return pieces
}
