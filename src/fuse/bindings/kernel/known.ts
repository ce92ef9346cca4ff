// What the kernel holds of ours: inodes, by how often it was told of each and
// has not forgotten, and names that it was allowed to remember. Bookkeeping only.
//
// Invariants:
// - an inode is known from the first answer that names it until the kernel has
//   forgotten it as often as it was told;
// - every name that the kernel may remember is listed here, and no more than
//   namesTotalMax are: a kernel that drops some of them by itself does not say so.

import type { Attributes, Ino } from '../../../client/file-system.js'
import { rootIno } from '../../../constants.js'
import { namesPerDirectoryMax, namesTotalMax } from './limits.js'

export class Known {
  readonly #lookups = new Map<Ino, number>()
  /** Of each directory; the one that was asked about last is last. */
  readonly #names = new Map<Ino, Set<string>>()
  #nameCount = 0
  /** Removed inodes that someone may still stand in: see `removed`. */
  readonly #removed = new Map<Ino, Attributes>()
  /** By handle: directories whose entries the kernel may be about to remember. */
  readonly #listings = new Map<number, Ino>()
  readonly #evicted: (directory: Ino, names: readonly Buffer[]) => void
  readonly #namesTotalMax: number
  /** The kernel was told of inodes before, too, by an earlier process: it may know any. */
  #mayKnowAny = false

  /** `evicted` hears of names that the kernel is to forget since too many are remembered. */
  constructor(evicted: (directory: Ino, names: readonly Buffer[]) => void, totalMax = namesTotalMax) {
    this.#evicted = evicted
    this.#namesTotalMax = totalMax
  }

  get inodeCount(): number {
    return this.#lookups.size
  }

  get nameCount(): number {
    return this.#nameCount
  }

  has(ino: Ino): boolean {
    return this.#mayKnowAny || ino === rootIno || this.#lookups.has(ino)
  }

  /** Another process has served this kernel before us. */
  mayKnowAny(): void {
    this.#mayKnowAny = true
  }

  /** The kernel has been told of it once more. */
  told(ino: Ino): void {
    this.#lookups.set(ino, (this.#lookups.get(ino) ?? 0) + 1)
  }

  /** The kernel forgets so many times of being told. */
  forgotten(ino: Ino, count: number): void {
    const left = (this.#lookups.get(ino) ?? 0) - count
    if (left > 0) {
      this.#lookups.set(ino, left)
      return
    }
    this.#lookups.delete(ino)
    this.#removed.delete(ino)
    this.takeNames(ino) // It remembers no name of a directory that it has forgotten.
  }

  /** Whether the kernel may remember one more name of the directory. It is listed if so. */
  mayRemember(directory: Ino, name: Buffer): boolean {
    const names = this.#names.get(directory) ?? new Set()
    const text = name.toString('latin1')
    if (!names.has(text)) {
      if (names.size >= namesPerDirectoryMax || !this.#makeRoom(directory)) return false
      names.add(text)
      this.#nameCount++
    }
    this.#names.delete(directory)
    this.#names.set(directory, names)
    return true
  }

  /**
   * The kernel remembers of a renamed entry what it did under the old name, and
   * asks no one: the new name is listed, or to be forgotten.
   */
  tookAlong(directory: Ino, name: Buffer): void {
    if (!this.mayRemember(directory, name)) this.#evicted(directory, [name])
  }

  /** The names of the directory that the kernel may remember: from here on it may not. */
  takeNames(directory: Ino): Buffer[] {
    const names = this.#names.get(directory)
    if (!names) return []
    this.#names.delete(directory)
    this.#nameCount -= names.size
    return toBuffers(names)
  }

  /** The kernel remembers none of the names that were listed so far, but for those that it may still be about to. */
  dropNames(): void {
    const listed = new Set(this.#listings.values())
    for (const directory of this.directories()) if (!listed.has(directory)) this.takeNames(directory)
  }

  /** The kernel is answered a part of a listing, with entries: it begins to remember them only when it has the answer. */
  listingTold(handle: number, directory: Ino): void {
    this.#listings.set(handle, directory)
  }

  /** It asks for the next part, or for no more: it has what it was told. */
  listingTaken(handle: number): void {
    this.#listings.delete(handle)
  }

  /** Whether entries of the directory may be remembered from now on that were told before. */
  isBeingListed(directory: Ino): boolean {
    for (const listed of this.#listings.values()) if (listed === directory) return true
    return false
  }

  /**
   * The inode has lost its last name through this mount. Who stands in it (a
   * working directory, a descriptor without a handle of ours) may go on asking
   * what it is, and the master does not know it any more.
   */
  removed(attributes: Attributes): void {
    if (this.has(attributes.ino)) this.#removed.set(attributes.ino, { ...attributes, nlink: 0 })
  }

  /** An inode that was removed while the kernel knew it, as it was then. */
  asRemoved(ino: Ino): Attributes | undefined {
    return this.#removed.get(ino)
  }

  inodes(): Ino[] {
    return [rootIno as Ino, ...this.#lookups.keys()]
  }

  directories(): Ino[] {
    return [...this.#names.keys()]
  }

  /** For one more name, at the cost of the directories that were not asked about for the longest time. */
  #makeRoom(directory: Ino): boolean {
    for (const oldest of this.#names.keys()) {
      if (this.#nameCount < this.#namesTotalMax) break
      if (oldest !== directory) this.#evicted(oldest, this.takeNames(oldest))
    }
    return this.#nameCount < this.#namesTotalMax
  }
}

function toBuffers(names: Iterable<string>): Buffer[] {
  return Array.from(names, name => Buffer.from(name, 'latin1'))
}
