// What the master told us about inodes and directories, and that we may use
// until it takes it back: attributes by inode; entries by directory and name,
// absent ones included; targets of symlinks; directories listed whole; extended
// attributes (xattr-cache.ts).
//
// Knows nothing of leases: the caller asks only while its client lease is in
// force. Every cache is bounded. The entries of a directory are forgotten
// together by giving it a new epoch: those of an older one do not count.
//
// Of a directory that was made here or listed whole every entry is known, so
// what is not among them is absent; until an entry is forgotten.

import { LRUCache } from 'lru-cache'
import type { Ino } from '../wire/ids.js'
import type { Attributes, DirectoryPage, Entry, Name } from './file-system.js'
import { attributesCachedMax, entriesCachedMax, listedEntriesCachedMax, symlinksCachedMax } from './limits.js'
import { XattrCache } from './xattr-cache.js'

/** Whether a name is there: the inode, `'absent'`, or undefined if it is not known. */
export type KnownEntry = Ino | 'absent' | undefined

export interface Listing {
  readonly entries: readonly Entry[]
  readonly parent: Ino
}

interface CachedEntry {
  readonly epoch: Epoch
  readonly ino: Ino | 'absent'
}

interface CachedAttributes {
  readonly attributes: Attributes
  /** Times, size and link count may have moved on by a change of our own; number, kind and owner have not. */
  readonly aged: boolean
}

/** What is known of a directory since it was last dropped. */
interface Epoch {
  /** Every entry of the directory is among those that are cached. */
  complete: boolean
}

interface CachedListing {
  readonly names: readonly { readonly name: Name; readonly ino: Ino }[]
  readonly parent: Ino
}

export class MetadataCache {
  readonly xattrs = new XattrCache()
  readonly #attributes = new LRUCache<Ino, CachedAttributes>({ max: attributesCachedMax })
  readonly #entries = new LRUCache<string, CachedEntry>({
    max: entriesCachedMax,
    dispose: ({ epoch }, _, reason) => reason === 'evict' && forgotten(epoch),
  })
  readonly #epochs = new LRUCache<Ino, Epoch>({ max: attributesCachedMax })
  readonly #symlinks = new LRUCache<Ino, Buffer>({ max: symlinksCachedMax })
  readonly #listings = new LRUCache<Ino, CachedListing>({
    maxSize: listedEntriesCachedMax,
    sizeCalculation: ({ names }) => names.length + 1,
  })

  attributes(ino: Ino): Attributes | undefined {
    const cached = this.#attributes.get(ino)
    return cached && !cached.aged ? cached.attributes : undefined
  }

  /** Enough to walk on: of times, size and link count only that they were so once. */
  agedAttributes(ino: Ino): Attributes | undefined {
    return this.#attributes.get(ino)?.attributes
  }

  putAttributes(attributes: Attributes): void {
    this.#attributes.set(attributes.ino, { attributes, aged: false })
  }

  /** We have changed something about the inode, and the master has not said how it looks now. */
  ageAttributes(ino: Ino): void {
    const cached = this.#attributes.peek(ino)
    if (cached && !cached.aged) this.#attributes.set(ino, { attributes: cached.attributes, aged: true })
  }

  dropAttributes(ino: Ino): void {
    this.#attributes.delete(ino)
  }

  entry(parent: Ino, name: Name): KnownEntry {
    const epoch = this.#epochs.get(parent)
    if (!epoch) return undefined
    const cached = this.#entries.get(entryKey(parent, name))
    if (cached?.epoch === epoch) return cached.ino
    return epoch.complete ? 'absent' : undefined
  }

  putEntry(parent: Ino, name: Name, ino: Ino | 'absent'): void {
    this.#entries.set(entryKey(parent, name), { epoch: this.#epochOf(parent), ino })
  }

  dropEntry(parent: Ino, name: Name): void {
    const epoch = this.#epochs.peek(parent)
    if (epoch) forgotten(epoch)
    this.#entries.delete(entryKey(parent, name))
  }

  /** The directory has no entries but those that are put from now on: it is new, or is about to be put whole. */
  beginComplete(ino: Ino): void {
    this.#epochs.set(ino, { complete: true })
  }

  symlink(ino: Ino): Buffer | undefined {
    return this.#symlinks.get(ino)
  }

  putSymlink(ino: Ino, target: Buffer): void {
    this.#symlinks.set(ino, target)
  }

  /** The directory as it was listed, if the attributes of all its entries are still known too. */
  listing(ino: Ino): Listing | undefined {
    const cached = this.#listings.get(ino)
    if (!cached) return undefined
    const entries: Entry[] = []
    for (const { name, ino } of cached.names) {
      const attributes = this.attributes(ino)
      if (!attributes) return undefined
      entries.push({ name, attributes })
    }
    return { entries, parent: cached.parent }
  }

  /** As listing(), the part of it after a name. */
  listingPage(ino: Ino, after: Name, countMax: number): DirectoryPage | undefined {
    const cached = this.#listings.get(ino)
    if (!cached) return undefined
    const { names, parent } = cached
    const start = firstAfter(names, after)
    const entries: Entry[] = []
    for (const { name, ino } of names.slice(start, start + countMax)) {
      const attributes = this.attributes(ino)
      if (!attributes) return undefined
      entries.push({ name, attributes })
    }
    return { entries, more: names.length > start + countMax, parent }
  }

  /** Only of a listing during which nothing in the directory changed. */
  putListing(ino: Ino, { entries, parent }: Listing): void {
    const names = entries.map(({ name, attributes }) => ({ name, ino: attributes.ino }))
    this.#listings.set(ino, { names, parent })
  }

  dropListing(ino: Ino): void {
    this.#listings.delete(ino)
  }

  /** Everything about this inode. */
  drop(ino: Ino): void {
    this.#attributes.delete(ino)
    this.#epochs.delete(ino)
    this.#symlinks.delete(ino)
    this.#listings.delete(ino)
    this.xattrs.drop(ino)
  }

  clear(): void {
    this.#attributes.clear()
    this.#entries.clear()
    this.#epochs.clear()
    this.#symlinks.clear()
    this.#listings.clear()
    this.xattrs.clear()
  }

  #epochOf(parent: Ino): Epoch {
    const known = this.#epochs.get(parent)
    if (known) return known
    const epoch = { complete: false }
    this.#epochs.set(parent, epoch)
    return epoch
  }
}

function forgotten(epoch: Epoch): void {
  epoch.complete = false
}

/** Where the names begin that come after this one; they are in byte order. */
function firstAfter(names: CachedListing['names'], after: Name): number {
  let [low, high] = [0, names.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    const name = names[middle]?.name
    if (name && Buffer.compare(name, after) <= 0) low = middle + 1
    else high = middle
  }
  return low
}

function entryKey(parent: Ino, name: Name): string {
  return `${parent}/${name.toString('latin1')}`
}
