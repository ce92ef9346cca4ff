// Extended attributes: (inode, name) → value, as it is.

import { nameKey, prefixRange } from './keys.js'
import type { StateStore, StateTable } from './state-store.js'

export class Xattrs {
  readonly #table: StateTable

  constructor(store: StateStore) {
    this.#table = store.table('xattrs')
  }

  find(ino: number, name: Buffer): Buffer | undefined {
    return this.#table.get(nameKey(ino, name))
  }

  put(ino: number, name: Buffer, value: Buffer): void {
    this.#table.put(nameKey(ino, name), value)
  }

  remove(ino: number, name: Buffer): void {
    this.#table.remove(nameKey(ino, name))
  }

  /** In byte order. Few: `xattrTotalLengthMax` bounds them. */
  list(ino: number): { readonly name: Buffer; readonly valueLength: number }[] {
    return Array.from(this.#table.range(prefixRange(ino)), ({ key, value }) => ({
      name: Buffer.from(key.subarray(8)),
      valueLength: value.length,
    }))
  }

  removeAll(ino: number): void {
    for (const { name } of this.list(ino)) this.remove(ino, name)
  }
}
