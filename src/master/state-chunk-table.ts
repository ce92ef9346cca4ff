// The ChunkTable on the master's state: reads at once, changes through the executor.

import { LeasefsError } from '../base/errors.js'
import type { MasterHistory } from '../wire/history.js'
import { type ChunkHandle, handleText, type Ino, type ServerId } from '../wire/ids.js'
import type { ChunkRecord, ChunkTable, NewChunk } from './chunk-table.js'
import type { Executor } from './executor.js'
import type { Journal } from './journal/journal.js'
import { checkAllocate, checkRaise, checkSettle } from './ops/chunks.js'
import type { State } from './state/state.js'

export class StateChunkTable implements ChunkTable {
  readonly #state: State
  readonly #executor: Executor
  readonly #journal: Journal

  constructor(state: State, executor: Executor, journal: Journal) {
    this.#state = state
    this.#executor = executor
    this.#journal = journal
  }

  get masterEpoch(): number {
    return this.#state.meta.current.masterEpoch
  }

  get history(): MasterHistory {
    const { starts, lostEpoch } = this.#state.meta.current
    return { starts, lostEpoch, index: this.#journal.lastIndex }
  }

  mayBeLost(handle: ChunkHandle): boolean {
    const { nextHandle, lostHandles } = this.#state.meta.current
    return handle >= nextHandle || lostHandles.some(({ from, to }) => handle >= from && handle < to)
  }

  get counts(): { readonly inodes: number; readonly chunks: number } {
    const { inodeCount, chunkCount } = this.#state.meta.current
    return { inodes: inodeCount, chunks: chunkCount }
  }

  chunk(handle: ChunkHandle): ChunkRecord | undefined {
    return this.#state.chunks.find(handle)
  }

  chunksOf(ino: Ino, first: number, count: number): readonly ChunkRecord[] {
    return this.#state.chunks.ofFile(ino, first, count)
  }

  goalOf(ino: Ino): number {
    return this.#state.inodes.file(ino).attributes.goal
  }

  all(): Iterable<ChunkRecord> {
    return this.#state.chunks.all()
  }

  async allocate(ino: Ino, chunks: readonly NewChunk[]): Promise<readonly ChunkRecord[]> {
    await this.#executor.submit(state => checkAllocate(state, ino, chunks))
    return chunks.map(({ index }) => {
      const record = this.#state.chunks.at(ino, index)
      if (!record) throw new LeasefsError('NOT_FOUND', `chunk ${index} of inode ${ino} has been dropped`)
      return record
    })
  }

  async raise(
    handle: ChunkHandle,
    from: number,
    replicaCount: number,
    placed: readonly ServerId[] = [],
  ): Promise<ChunkRecord> {
    await this.#executor.submit(state => checkRaise(state, handle, from, replicaCount, placed))
    return this.#durable(handle)
  }

  async settle(handle: ChunkHandle, version: number): Promise<ChunkRecord> {
    await this.#executor.submit(state => checkSettle(state, handle, version))
    return this.#durable(handle)
  }

  async #durable(handle: ChunkHandle): Promise<ChunkRecord> {
    await this.#journal.sync()
    const record = this.#state.chunks.find(handle)
    if (!record) throw new LeasefsError('NOT_FOUND', `chunk ${handleText(handle)} has been dropped`)
    return record
  }
}
