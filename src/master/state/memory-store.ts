// A StateStore in memory: a sorted array of keys beside a map. For tests and
// simulation; inserting costs time in proportion to the table.

import assert from 'node:assert/strict'
import type {
  KeyRange,
  StateSnapshot,
  StateStore,
  StateTable,
  TableName,
  TableReader,
  TableRow,
} from './state-store.js'
import { tableNames } from './state-store.js'

/** One change, taken back by putting the former value in its place. */
interface Undo {
  readonly table: MemoryTable
  readonly key: Buffer
  readonly former: Buffer | undefined
}

export class MemoryStore implements StateStore {
  readonly #tables = new Map<TableName, MemoryTable>()
  #undo: Undo[] | undefined

  constructor() {
    const note = (undo: Undo) => {
      assert(this.#undo, 'changed outside of a transaction')
      this.#undo.push(undo)
    }
    for (const name of tableNames) this.#tables.set(name, new MemoryTable(note))
  }

  table(name: TableName): StateTable {
    const table = this.#tables.get(name)
    assert(table)
    return table
  }

  transaction<T>(run: () => T): T {
    assert(!this.#undo, 'transactions do not nest')
    const undo: Undo[] = []
    this.#undo = undo
    try {
      return run()
    } catch (reason) {
      for (const { table, key, former } of undo.reverse()) table.set(key, former)
      throw reason
    } finally {
      this.#undo = undefined
    }
  }

  snapshot(): StateSnapshot {
    assert(!this.#undo, 'a snapshot within a transaction')
    const tables = new Map(Array.from(this.#tables, ([name, table]) => [name, table.copy()]))
    return {
      table: name => tables.get(name) ?? assert.fail(),
      release: () => {},
    }
  }

  async close(): Promise<void> {}
}

class MemoryTable implements StateTable {
  readonly #values = new Map<string, Buffer>()
  /** The keys of #values as latin1 text, whose order is that of the bytes. */
  readonly #keys: string[] = []
  readonly #note: (undo: Undo) => void

  constructor(note: (undo: Undo) => void) {
    this.#note = note
  }

  get(key: Buffer): Buffer | undefined {
    const value = this.#values.get(key.toString('latin1'))
    return value && Buffer.from(value)
  }

  *range({ from, to, limit = Number.POSITIVE_INFINITY }: KeyRange): Iterable<TableRow> {
    const end = to?.toString('latin1')
    let at = this.#position(from.toString('latin1'))
    for (let left = limit; left > 0; left--, at++) {
      const key = this.#keys[at]
      if (key === undefined || (end !== undefined && key >= end)) return
      const value = this.#values.get(key)
      assert(value)
      yield { key: Buffer.from(key, 'latin1'), value: Buffer.from(value) }
    }
  }

  put(key: Buffer, value: Buffer): void {
    this.#note({ table: this, key: Buffer.from(key), former: this.get(key) })
    this.set(key, Buffer.from(value))
  }

  remove(key: Buffer): void {
    this.#note({ table: this, key: Buffer.from(key), former: this.get(key) })
    this.set(key, undefined)
  }

  copy(): TableReader {
    const copy = new MemoryTable(() => {})
    for (const row of this.range({ from: Buffer.alloc(0) })) copy.set(row.key, row.value)
    return copy
  }

  set(key: Buffer, value: Buffer | undefined): void {
    const text = key.toString('latin1')
    const known = this.#values.has(text)
    if (value) {
      if (!known) this.#keys.splice(this.#position(text), 0, text)
      this.#values.set(text, value)
    } else if (known) {
      this.#keys.splice(this.#position(text), 1)
      this.#values.delete(text)
    }
  }

  /** Where `key` is or would be. */
  #position(key: string): number {
    let low = 0
    let high = this.#keys.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#keys[middle] ?? '') < key) low = middle + 1
      else high = middle
    }
    return low
  }
}
