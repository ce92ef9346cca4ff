// The files in the trash, in the order in which they came there. What there is
// to know of each stands in its inode (StoredTrash).

import type { StoredTrash } from '../../wire/gen/state.js'
import type { Ino } from '../../wire/ids.js'
import { keyNumber, numberKey, pairKey } from './keys.js'
import type { StateStore, StateTable } from './state-store.js'

/** Where a file stands in the order: of two that came in the same millisecond the one with the lower number is first. */
export interface TrashPlace {
  readonly deletedMs: number
  readonly ino: Ino
}

export class TrashOrder {
  readonly #table: StateTable

  constructor(store: StateStore) {
    this.#table = store.table('trash')
  }

  add({ deletedMs, ino }: TrashPlace): void {
    this.#table.put(pairKey(deletedMs, ino), Buffer.alloc(0))
  }

  remove({ deletedMs, ino }: TrashPlace): void {
    this.#table.remove(pairKey(deletedMs, ino))
  }

  /** Up to `countMax` files after a place, or from the oldest on. */
  page(after: { readonly deletedMs: number; readonly ino: number } | undefined, countMax: number): TrashPlace[] {
    const from = after ? pairKey(after.deletedMs, after.ino + 1) : numberKey(0)
    return Array.from(this.#table.range({ from, limit: countMax }), ({ key }) => ({
      deletedMs: keyNumber(key, 0),
      ino: keyNumber(key, 8) as Ino,
    }))
  }
}

/** The place of a file that has come into the trash. Clocks that stand before 1970 all mean the same. */
export function placeOf(ino: number, { deletedAt }: Pick<StoredTrash, 'deletedAt'>): TrashPlace {
  const { seconds, nanos } = deletedAt ?? { seconds: 0, nanos: 0 }
  return { deletedMs: Math.max(0, seconds * 1000 + Math.floor(nanos / 1e6)), ino: ino as Ino }
}
