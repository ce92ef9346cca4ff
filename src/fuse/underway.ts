// What programs have asked of a mount and not been answered yet, for whoever
// looks at it from outside.

import type { Ino } from '../client/file-system.js'

export interface Underway {
  /** As the binding calls it: "READ", "getattr". */
  readonly operation: string
  /** What it is about, where the binding says so: an inode, or a path from the root of the mount. */
  readonly ino?: Ino
  readonly path?: string
  /** The process that waits; absent where the kernel, or the binding, does not say. */
  readonly pid?: number
  /** By the mount's clock. */
  readonly since: number
}

/** For a binding that keeps no table of its own. */
export class UnderwayTable {
  readonly #all = new Set<Underway>()

  /** Returns what is to be called when it has been answered. */
  begin(underway: Underway): () => void {
    this.#all.add(underway)
    return () => this.#all.delete(underway)
  }

  list(): Iterable<Underway> {
    return this.#all
  }
}
