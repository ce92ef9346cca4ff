// What is remembered of chunkservers over restarts: which are being emptied.
// Where they are and what they hold they say themselves.

import { StoredServer } from '../../wire/gen/state.js'
import type { ServerId } from '../../wire/ids.js'
import type { StateStore, StateTable } from './state-store.js'
import { decodeStored, encodeStored } from './stored.js'

export class ServerRecords {
  readonly #table: StateTable

  constructor(store: StateStore) {
    this.#table = store.table('servers')
  }

  isDraining(id: string): boolean {
    const value = this.#table.get(Buffer.from(id))
    return value !== undefined && decodeStored(StoredServer, value, `server ${id}`).draining
  }

  /** Those that are being emptied, in the order of their ids. */
  draining(): ServerId[] {
    const all = Array.from(this.#table.range({ from: Buffer.alloc(0) }), ({ key }) => key.toString() as ServerId)
    return all.filter(id => this.isDraining(id))
  }

  setDraining(id: string, draining: boolean): void {
    if (draining) this.#table.put(Buffer.from(id), encodeStored(StoredServer, { draining }))
    else this.#table.remove(Buffer.from(id))
  }
}
