// The batches of one file, on their way to the replicas.
//
// Two batches that touch the same block of the file are never under way at
// once, and batches start in the order in which they were sealed. So an older
// write can't overtake a newer one, however often it has to be tried again.

import { deferred } from '../base/deferred.js'
import type { DataId } from '../wire/ids.js'
import type { Extent } from './dirty-data.js'
import { batchesInFlightMax } from './limits.js'
import { type ExtentBatch, packBatches } from './pack-batches.js'

export interface QueuedBatch extends ExtentBatch {
  /** Under which ids its extents were being applied by an earlier process, and the name of that. */
  readonly found: { readonly ids: readonly DataId[]; readonly key: string } | undefined
}

export class BatchQueue {
  readonly #start: (batch: QueuedBatch) => void
  readonly #waiting: QueuedBatch[] = []
  readonly #running = new Set<QueuedBatch>()
  readonly #busyBlocks = new Set<number>()
  readonly #ends = new Map<QueuedBatch, { readonly promise: Promise<void>; readonly resolve: () => void }>()

  /** `start` begins to apply a batch, and calls end() when it has come to an end. */
  constructor(start: (batch: QueuedBatch) => void) {
    this.#start = start
  }

  get isRunning(): boolean {
    return this.#running.size > 0
  }

  get isEmpty(): boolean {
    return this.#ends.size === 0
  }

  add(extents: readonly Extent[], found?: QueuedBatch['found']): void {
    for (const batch of packBatches(extents)) {
      const queued = { ...batch, found }
      this.#waiting.push(queued)
      this.#ends.set(queued, deferred<void>())
    }
    this.#pump()
  }

  /** The batch has been applied, or has failed. */
  end(batch: QueuedBatch): void {
    for (const block of batch.blocks) this.#busyBlocks.delete(block)
    this.#running.delete(batch)
    this.#ends.get(batch)?.resolve()
    this.#ends.delete(batch)
    this.#pump()
  }

  /** Resolves when everything that has been added so far has ended. */
  async done(): Promise<void> {
    await Promise.all([...this.#ends.values()].map(({ promise }) => promise))
  }

  #pump(): void {
    while (this.#running.size < batchesInFlightMax) {
      const [next] = this.#waiting
      if (!next || next.blocks.some(block => this.#busyBlocks.has(block))) return
      this.#waiting.shift()
      this.#running.add(next)
      for (const block of next.blocks) this.#busyBlocks.add(block)
      this.#start(next)
    }
  }
}
