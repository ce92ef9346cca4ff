// Chunks by handle, as StoredChunk, and the handles of each file by index.

import { LeasefsError } from '../../base/errors.js'
import { StoredChunk } from '../../wire/gen/state.js'
import type { ChunkHandle, Ino } from '../../wire/ids.js'
import type { ChunkRecord } from '../chunk-table.js'
import { indexKey, keyNumber, numberKey, prefixRange } from './keys.js'
import type { StateStore, StateTable } from './state-store.js'
import { decodeStored, encodeStored } from './stored.js'

/** Chunks taken from the table at a time when all are walked. */
const pageLength = 1024

export class ChunkRecords {
  readonly #byHandle: StateTable
  readonly #byFile: StateTable

  constructor(store: StateStore) {
    this.#byHandle = store.table('chunks')
    this.#byFile = store.table('fileChunks')
  }

  find(handle: number): ChunkRecord | undefined {
    const value = this.#byHandle.get(numberKey(handle))
    return value && recordOf(handle, value)
  }

  at(ino: number, index: number): ChunkRecord | undefined {
    const handle = this.#byFile.get(indexKey(ino, index))
    return handle && this.#listed(keyNumber(handle, 0))
  }

  /** Those with first ≤ index < first + count, in order. */
  ofFile(ino: number, first: number, count: number): ChunkRecord[] {
    return this.page(ino, first, count).filter(({ index }) => index < first + count)
  }

  /** Up to `countMax` chunks of the file from index `first` on, in order. */
  page(ino: number, first: number, countMax: number): ChunkRecord[] {
    const { to } = prefixRange(ino)
    const range = this.#byFile.range({ from: indexKey(ino, first), to, limit: countMax })
    return Array.from(range, ({ value }) => keyNumber(value, 0)).map(handle => this.#listed(handle))
  }

  put(record: ChunkRecord): void {
    this.#byHandle.put(numberKey(record.handle), encodeStored(StoredChunk, record))
    this.#byFile.put(indexKey(record.ino, record.index), numberKey(record.handle))
  }

  remove(record: ChunkRecord): void {
    this.#byHandle.remove(numberKey(record.handle))
    this.#byFile.remove(indexKey(record.ino, record.index))
  }

  /** In the order of handles; the table may change between one and the next. */
  *all(): Iterable<ChunkRecord> {
    for (let next = 0; ; ) {
      const page = Array.from(this.#byHandle.range({ from: numberKey(next), limit: pageLength }))
      for (const { key, value } of page) {
        const handle = keyNumber(key, 0)
        yield recordOf(handle, value)
        next = handle + 1
      }
      if (page.length < pageLength) return
    }
  }

  #listed(handle: number): ChunkRecord {
    const record = this.find(handle)
    if (!record) throw new LeasefsError('CORRUPT', `chunk ${handle} is listed by its file but has no record`)
    return record
  }
}

function recordOf(handle: number, value: Buffer): ChunkRecord {
  const chunk = decodeStored(StoredChunk, value, `chunk ${handle}`)
  return { ...chunk, handle: handle as ChunkHandle, ino: chunk.ino as Ino }
}
