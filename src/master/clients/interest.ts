// Who may have something cached about an inode: the index by which a change
// finds whom to tell. Bookkeeping only.

import type { Ino } from '../../wire/ids.js'

export class Interest<Holder> {
  /** Arrays, because nearly all have one holder. */
  readonly #holders = new Map<Ino, readonly Holder[]>()

  add(ino: Ino, holder: Holder): void {
    const holders = this.#holders.get(ino)
    if (!holders) this.#holders.set(ino, [holder])
    else if (!holders.includes(holder)) this.#holders.set(ino, [...holders, holder])
  }

  remove(ino: Ino, holder: Holder): void {
    const left = this.holders(ino).filter(other => other !== holder)
    if (left.length > 0) this.#holders.set(ino, left)
    else this.#holders.delete(ino)
  }

  holders(ino: Ino): readonly Holder[] {
    return this.#holders.get(ino) ?? []
  }

  /** Inodes that anyone may have cached. */
  get size(): number {
    return this.#holders.size
  }
}
