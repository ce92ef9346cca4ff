// The state as a check reads it: rows in order, values that may be damaged.

import { LeasefsError } from '../../base/errors.js'
import { StoredChunk, StoredInode, StoredMeta } from '../../wire/gen/state.js'
import { numberKey } from '../state/keys.js'
import type { StateReader, TableName, TableRow } from '../state/state-store.js'
import { decodeStored, type StoredMessage } from '../state/stored.js'

export const everything = { from: Buffer.alloc(0) }

/** The value, or undefined where it cannot be read. */
export function readable<T>(message: StoredMessage<T>, value: Buffer): T | undefined {
  try {
    return decodeStored(message, value, '')
  } catch (reason) {
    if (!(reason instanceof LeasefsError)) throw reason
    return undefined
  }
}

export function inodeOf(reader: StateReader, ino: number): StoredInode | undefined {
  const value = reader.table('inodes').get(numberKey(ino))
  return value && readable(StoredInode, value)
}

export function chunkOf(reader: StateReader, handle: number): StoredChunk | undefined {
  const value = reader.table('chunks').get(numberKey(handle))
  return value && readable(StoredChunk, value)
}

export function metaOf(reader: StateReader): StoredMeta | undefined {
  const value = reader.table('meta').get(Buffer.from('meta'))
  return value && readable(StoredMeta, value)
}

/** A table that is read beside another one, in the same order. */
export class Cursor {
  readonly #rows: Iterator<TableRow>
  #next: TableRow | undefined

  constructor(reader: StateReader, table: TableName) {
    this.#rows = reader.table(table).range(everything)[Symbol.iterator]()
    this.#advance()
  }

  /** The rows whose key is below `end`, from where the last call stopped. */
  *before(end: Buffer | undefined): Iterable<TableRow> {
    for (let row = this.#next; row && (!end || row.key.compare(end) < 0); row = this.#next) {
      this.#advance()
      yield row
    }
  }

  #advance(): void {
    const next = this.#rows.next()
    this.#next = next.done ? undefined : next.value
  }
}
