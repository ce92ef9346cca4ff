// Directory entries: (directory, name) → inode. Names are bytes.

import { LeasefsError } from '../../base/errors.js'
import { StoredDentry } from '../../wire/gen/state.js'
import type { Ino } from '../../wire/ids.js'
import { nameKey, prefixRange } from './keys.js'
import type { StateStore, StateTable } from './state-store.js'
import { decodeStored, encodeStored } from './stored.js'

export interface Dentry {
  readonly name: Buffer
  readonly ino: Ino
}

export class Dentries {
  readonly #table: StateTable

  constructor(store: StateStore) {
    this.#table = store.table('dentries')
  }

  find(parent: number, name: Buffer): Ino | undefined {
    const value = this.#table.get(nameKey(parent, name))
    return value && inoOf(value)
  }

  /** @throws LeasefsError NOT_FOUND */
  get(parent: number, name: Buffer): Ino {
    const ino = this.find(parent, name)
    if (ino === undefined) throw new LeasefsError('NOT_FOUND', `no ${JSON.stringify(String(name))} in inode ${parent}`)
    return ino
  }

  put(parent: number, name: Buffer, ino: number): void {
    this.#table.put(nameKey(parent, name), encodeStored(StoredDentry, { ino }))
  }

  remove(parent: number, name: Buffer): void {
    this.#table.remove(nameKey(parent, name))
  }

  isEmpty(parent: number): boolean {
    return this.page(parent, Buffer.alloc(0), 1).length === 0
  }

  /** Up to `countMax` entries after the name `after`, in byte order. */
  page(parent: number, after: Buffer, countMax: number): Dentry[] {
    // No name has a NUL: with one added, the key is the next possible one.
    const from = after.length > 0 ? nameKey(parent, Buffer.concat([after, Buffer.alloc(1)])) : nameKey(parent, after)
    const { to } = prefixRange(parent)
    return Array.from(this.#table.range({ from, to, limit: countMax }), ({ key, value }) => ({
      name: Buffer.from(key.subarray(8)),
      ino: inoOf(value),
    }))
  }
}

function inoOf(value: Buffer): Ino {
  return decodeStored(StoredDentry, value, 'directory entry').ino as Ino
}
