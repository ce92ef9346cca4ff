// What there is one of: the journal record the state stands at, the next
// numbers to give out, and counts. Held in memory; written once a transaction.

import assert from 'node:assert/strict'
import { rootIno } from '../../constants.js'
import { StoredMeta } from '../../wire/gen/state.js'
import type { StateStore, StateTable } from './state-store.js'
import { decodeStored, encodeStored } from './stored.js'

const key = Buffer.from('meta')

const empty: StoredMeta = {
  appliedIndex: 0,
  nextIno: rootIno,
  nextHandle: 1,
  nextSessionId: 1,
  masterEpoch: 0,
  inodeCount: 0,
  chunkCount: 0,
  trashCount: 0,
  trashBytes: 0,
  lostHandles: [],
  lostEpoch: 0,
  starts: [],
}

export class Meta {
  readonly #table: StateTable
  #current: Readonly<StoredMeta>
  #changed = false

  constructor(store: StateStore) {
    this.#table = store.table('meta')
    this.#current = this.#read()
  }

  get current(): Readonly<StoredMeta> {
    return this.#current
  }

  change(changes: Partial<StoredMeta>): void {
    assert((changes.appliedIndex ?? this.#current.appliedIndex) >= this.#current.appliedIndex)
    this.#current = { ...this.#current, ...changes }
    this.#changed = true
  }

  /** By what is stored there, but for the record that the state stands at. */
  replace(value: Buffer): void {
    const { appliedIndex } = this.#current
    this.change({ ...decodeStored(StoredMeta, value, 'meta'), appliedIndex })
  }

  /** Within the transaction, after its last change. */
  write(): void {
    if (this.#changed) this.#table.put(key, encodeStored(StoredMeta, this.#current))
    this.#changed = false
  }

  rolledBack(): void {
    this.#current = this.#read()
    this.#changed = false
  }

  #read(): StoredMeta {
    const value = this.#table.get(key)
    return value ? decodeStored(StoredMeta, value, 'meta') : empty
  }
}
