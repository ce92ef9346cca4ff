// Which extents travel in one commit.

import assert from 'node:assert/strict'
import { chunkSize, commitMutationsMax, mutationSizeMax } from '../constants.js'
import { type Extent, endOf } from './dirty-data.js'
import { batchBytesMax } from './limits.js'

/** Extents of one chunk that are committed together. */
export interface ExtentBatch {
  /** Of the chunk in the file. */
  readonly index: number
  readonly extents: readonly Extent[]
  /** The blocks they lie in: two batches with a common block are never under way at once. */
  readonly blocks: readonly number[]
}

/**
 * Cuts a list of extents, in its order, into batches: each of one chunk, and
 * within the limits of a commit.
 */
export function packBatches(extents: readonly Extent[]): ExtentBatch[] {
  const batches: ExtentBatch[] = []
  let batch: Extent[] = []
  let bytes = 0
  const finish = () => {
    if (batch.length > 0) batches.push(batchOf(batch))
    batch = []
    bytes = 0
  }
  for (const extent of extents) {
    const [first] = batch
    const fits = batch.length < commitMutationsMax && bytes + extent.length <= batchBytesMax
    if (first && (!fits || chunkOf(first) !== chunkOf(extent))) finish()
    batch.push(extent)
    bytes += extent.length
  }
  finish()
  return batches
}

function batchOf(extents: readonly Extent[]): ExtentBatch {
  const [first] = extents
  assert(first)
  for (const extent of extents) {
    assert(extent.length > 0)
    assert(Math.floor((endOf(extent) - 1) / mutationSizeMax) === blockOf(extent))
  }
  return { index: chunkOf(first), extents, blocks: [...new Set(extents.map(blockOf))] }
}

function chunkOf({ start }: Extent): number {
  return Math.floor(start / chunkSize)
}

function blockOf({ start }: Extent): number {
  return Math.floor(start / mutationSizeMax)
}
