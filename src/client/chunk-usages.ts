// What primaries have said of how much of a file's chunks is stored, until the
// master has been told. Commits are answered in any order: the newest word counts.

import type { ChunkUsage } from '../wire/gen/common.js'

export class ChunkUsages {
  /** By the chunk's index in the file. */
  readonly #untold = new Map<number, ChunkUsage>()

  /** A primary's word on the chunk with this index; it does not know the index itself. */
  note(index: number, usage: ChunkUsage | undefined): void {
    if (!usage) return
    const known = this.#untold.get(index)
    if (!known || isNewer(usage, known)) this.#untold.set(index, { ...usage, index })
  }

  get untold(): readonly ChunkUsage[] {
    return [...this.#untold.values()]
  }

  /** What is to be told now. Whoever takes it tells the master, or gives it back. */
  take(): ChunkUsage[] {
    const usages = [...this.#untold.values()]
    this.#untold.clear()
    return usages
  }

  giveBack(usages: readonly ChunkUsage[]): void {
    for (const usage of usages) this.note(usage.index, usage)
  }
}

function isNewer(a: ChunkUsage, b: ChunkUsage): boolean {
  return a.leaseId > b.leaseId || (a.leaseId === b.leaseId && a.serial > b.serial)
}
