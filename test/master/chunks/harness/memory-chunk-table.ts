// A ChunkTable in memory: what the journaled one does, without a journal.

import { LeasefsError } from '../../../../src/base/errors.js'
import { type ChunkRecord, type ChunkTable, type NewChunk, noUsage } from '../../../../src/master/chunk-table.js'
import type { MasterHistory } from '../../../../src/wire/history.js'
import type { ChunkHandle, Ino } from '../../../../src/wire/ids.js'

export class MemoryChunkTable implements ChunkTable {
  masterEpoch = 1
  /** Handles that it may have had records of. */
  lost: ReadonlySet<number> = new Set()
  lostEpoch = 0
  /** Files, with their goals. */
  readonly files = new Map<Ino, number>()
  readonly records = new Map<ChunkHandle, ChunkRecord>()
  allocations = 0
  #last = 0

  addFile(ino: number, goal: number): Ino {
    this.files.set(ino as Ino, goal)
    return ino as Ino
  }

  get history(): MasterHistory {
    const starts = [{ epoch: this.masterEpoch, id: 'start', index: this.masterEpoch * 10 }]
    return { starts, lostEpoch: this.lostEpoch, index: 100 }
  }

  mayBeLost(handle: ChunkHandle): boolean {
    return this.lost.has(handle)
  }

  chunk(handle: ChunkHandle): ChunkRecord | undefined {
    return this.records.get(handle)
  }

  chunksOf(ino: Ino, first: number, count: number): readonly ChunkRecord[] {
    const within = (record: ChunkRecord) => record.ino === ino && record.index >= first && record.index < first + count
    return [...this.records.values()].filter(within).sort((a, b) => a.index - b.index)
  }

  goalOf(ino: Ino): number {
    const goal = this.files.get(ino)
    if (goal === undefined) throw new LeasefsError('NOT_FOUND', `no inode ${ino}`)
    return goal
  }

  all(): Iterable<ChunkRecord> {
    return this.records.values()
  }

  async allocate(ino: Ino, chunks: readonly NewChunk[]): Promise<readonly ChunkRecord[]> {
    const goal = this.goalOf(ino)
    this.allocations++
    await Promise.resolve() // As a journal would, later.
    return chunks.map(({ index, replicaCount, placed = [] }) => {
      const handle = ++this.#last as ChunkHandle
      return this.#put({
        handle,
        ino,
        index,
        version: 1,
        settledVersion: 1,
        replicaCount,
        goal,
        ...noUsage,
        placed: [...placed],
      })
    })
  }

  async raise(
    handle: ChunkHandle,
    from: number,
    replicaCount: number,
    placed: readonly string[] = [],
  ): Promise<ChunkRecord> {
    await Promise.resolve()
    return this.#put({ ...this.#at(handle, from), version: from + 1, replicaCount, placed: [...placed] })
  }

  async settle(handle: ChunkHandle, version: number): Promise<ChunkRecord> {
    await Promise.resolve()
    return this.#put({ ...this.#at(handle, version), settledVersion: version })
  }

  drop(handle: ChunkHandle): void {
    this.records.delete(handle)
  }

  get counts() {
    return { inodes: this.files.size, chunks: this.records.size }
  }

  #at(handle: ChunkHandle, version: number): ChunkRecord {
    const record = this.records.get(handle)
    if (!record) throw new LeasefsError('NOT_FOUND', `no chunk ${handle}`)
    if (record.version !== version) throw new LeasefsError('STALE_VERSION', `chunk ${handle} is at ${record.version}`)
    return record
  }

  #put(record: ChunkRecord): ChunkRecord {
    this.records.set(record.handle, record)
    return record
  }
}
