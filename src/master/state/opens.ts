// Which session has which inode open, in both directions. An inode without a
// link lives until the last of its opens is gone.

import type { Ino, SessionId } from '../../wire/ids.js'
import { keyNumber, numberKey, pairKey, prefixRange } from './keys.js'
import type { StateStore, StateTable } from './state-store.js'

const present = Buffer.alloc(0)

export class Opens {
  readonly #byIno: StateTable
  readonly #bySession: StateTable

  constructor(store: StateStore) {
    this.#byIno = store.table('opens')
    this.#bySession = store.table('sessionOpens')
  }

  has(session: number, ino: number): boolean {
    return this.#bySession.get(pairKey(session, ino)) !== undefined
  }

  add(session: number, ino: number): void {
    this.#byIno.put(pairKey(ino, session), present)
    this.#bySession.put(pairKey(session, ino), present)
  }

  remove(session: number, ino: number): void {
    this.#byIno.remove(pairKey(ino, session))
    this.#bySession.remove(pairKey(session, ino))
  }

  isOpen(ino: number): boolean {
    const [first] = this.#byIno.range({ ...prefixRange(ino), limit: 1 })
    return first !== undefined
  }

  /** Whether another session than this one has it open. */
  isOpenElsewhere(ino: number, session: number): boolean {
    const others = Array.from(this.#byIno.range({ ...prefixRange(ino), limit: 2 }), ({ key }) => keyNumber(key, 8))
    return others.some(other => other !== session)
  }

  /** Up to `countMax` inodes that the session has open, with numbers above `after`. */
  ofSession(session: SessionId, after: number, countMax: number): Ino[] {
    const range = { from: pairKey(session, after + 1), to: numberKey(session + 1), limit: countMax }
    return Array.from(this.#bySession.range(range), ({ key }) => keyNumber(key, 8) as Ino)
  }
}
