// Numbers for what is open: the kernel names an open file or directory by a
// number that a binding carries for it.
//
// Invariants:
// - a number is in [1, 2^31): libfuse keeps 0 for "none", and fuse-native an int32;
// - at most `countMax` are open at a time;
// - a number that was let go is not given again before all others had their turn.

import { LeasefsError } from '../../base/errors.js'
import { KernelError } from '../errno.js'

export type Handle = number

const handleMax = 2 ** 31 - 1

export class HandleTable<T> {
  readonly #open = new Map<Handle, T>()
  readonly #countMax: number
  /** Numbers being opened: their place is taken before they are in the map. */
  #reserved = 0
  #last: Handle = 0

  constructor(countMax: number) {
    this.#countMax = countMax
  }

  get count(): number {
    return this.#open.size
  }

  /**
   * Opens with `open` and gives the result a number. The place is taken first,
   * so that nothing is opened, or made, that can't be named afterwards.
   *
   * @throws KernelError ENFILE when the table is full
   */
  async add<S extends T>(open: () => Promise<S>): Promise<{ handle: Handle; opened: S }> {
    if (this.#open.size + this.#reserved >= this.#countMax) {
      throw new KernelError('ENFILE', `${this.#countMax} handles are open on this mount, which is the most it takes`)
    }
    this.#reserved++
    try {
      const opened = await open()
      const handle = this.#nextFree()
      this.#open.set(handle, opened)
      return { handle, opened }
    } finally {
      this.#reserved--
    }
  }

  /** What an earlier process had open under this number. */
  found(handle: Handle, opened: T): void {
    this.#open.set(handle, opened)
    this.#last = Math.max(this.#last, handle)
  }

  /** @throws LeasefsError BAD_HANDLE */
  get(handle: Handle): T {
    const opened = this.#open.get(handle)
    if (opened === undefined) throw new LeasefsError('BAD_HANDLE', `handle ${handle} is not open`)
    return opened
  }

  /** Forgets the number and returns what it stood for. */
  remove(handle: Handle): T {
    const opened = this.get(handle)
    this.#open.delete(handle)
    return opened
  }

  /** Forgets all of them. */
  removeAll(): T[] {
    const all = [...this.#open.values()]
    this.#open.clear()
    return all
  }

  #nextFree(): Handle {
    do this.#last = this.#last < handleMax ? this.#last + 1 : 1
    while (this.#open.has(this.#last))
    return this.#last
  }
}
