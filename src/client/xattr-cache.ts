// Extended attributes that the master told us of, by inode: names, values, and
// what is not there. A file that has none at all is the common case, and is
// asked about before every write: so the list of names answers for each name
// that is not in it.

import { LRUCache } from 'lru-cache'
import type { Ino } from '../wire/ids.js'
import type { Name } from './file-system.js'
import { xattrBytesCachedMax, xattrsCachedPerInodeMax } from './limits.js'

interface CachedXattrs {
  readonly names: readonly Name[] | undefined
  /** By the name as latin1. */
  readonly values: ReadonlyMap<string, Buffer | 'absent'>
}

const none: CachedXattrs = { names: undefined, values: new Map() }

/** What an entry costs besides its bytes. */
const overhead = 64

export class XattrCache {
  readonly #inodes = new LRUCache<Ino, CachedXattrs>({ maxSize: xattrBytesCachedMax, sizeCalculation: sizeOf })

  /** The value, `'absent'`, or undefined if it is not known. */
  value(ino: Ino, name: Name): Buffer | 'absent' | undefined {
    const cached = this.#inodes.get(ino)
    if (!cached) return undefined
    const value = cached.values.get(name.toString('latin1'))
    if (value !== undefined || !cached.names) return value
    return cached.names.some(each => each.equals(name)) ? undefined : 'absent'
  }

  names(ino: Ino): readonly Name[] | undefined {
    return this.#inodes.get(ino)?.names
  }

  putValue(ino: Ino, name: Name, value: Buffer | 'absent'): void {
    const { names, values } = this.#inodes.peek(ino) ?? none
    const more = new Map(values.size < xattrsCachedPerInodeMax ? values : [])
    this.#inodes.set(ino, { names, values: more.set(name.toString('latin1'), value) })
  }

  putNames(ino: Ino, names: readonly Name[]): void {
    const { values } = this.#inodes.peek(ino) ?? none
    this.#inodes.set(ino, { names, values })
  }

  drop(ino: Ino): void {
    this.#inodes.delete(ino)
  }

  clear(): void {
    this.#inodes.clear()
  }
}

function sizeOf({ names = [], values }: CachedXattrs): number {
  let size = overhead
  for (const name of names) size += overhead + name.length
  for (const [name, value] of values) size += overhead + name.length + value.length
  return size
}
