// Reading directories.
//
// A directory is read page by page, as far as the reader has come: the first
// entries of a large one come at once, and what is kept is what has been read.
// A page begins after the last name before it, so whatever stays in the
// directory comes exactly once, whatever others add and remove. What has been
// read keeps its offset until the handle is rewound: 0 is ".", 1 is "..", 2 the
// first name.

import type { SurvivingMap } from '../../base/surviving-map.js'
import type { Attributes, FileKind, FileSystem, Ino } from '../../client/file-system.js'
import type { AccessTimes } from './access-times.js'
import { type Handle, HandleTable } from './handles.js'
import { openDirectoriesMax } from './limits.js'

export interface ListedEntry {
  readonly name: Buffer
  readonly ino: Ino
  readonly kind: FileKind
  /** As they are now; absent for "." and "..", where they are not known now, and if they were not asked for. */
  readonly attributes?: Attributes
}

/** Within so many turns of promises a lookup has its answer, if it need not ask anyone. */
const turnsOfOneMoment = 32

interface Listing {
  /** Offset of the first of the entries. */
  readonly base: number
  readonly entries: ListedEntry[]
  more: boolean
}

/** Where an earlier process was: names that have the offsets from `first` on. */
interface Found {
  readonly first: number
  readonly names: readonly Buffer[]
}

interface OpenDirectory {
  readonly ino: Ino
  listing: Listing | undefined
  readonly found?: Found
  /** Reads of one handle follow one another. */
  reading: Promise<unknown>
}

export class Directories {
  readonly #fileSystem: FileSystem
  readonly #accessTimes: AccessTimes
  readonly #surviving: SurvivingMap
  readonly #handles = new HandleTable<OpenDirectory>(openDirectoriesMax)

  /** `surviving` is where it is kept what is open, for the next process. */
  constructor(fileSystem: FileSystem, accessTimes: AccessTimes, surviving: SurvivingMap) {
    this.#fileSystem = fileSystem
    this.#accessTimes = accessTimes
    this.#surviving = surviving
  }

  /** What an earlier process had open is open again. */
  resume(): void {
    for (const { key, value, bytes } of this.#surviving.inherited) {
      if (!key.startsWith(keyOf(''))) continue
      const { ino, first } = value as { ino: Ino; first?: number }
      const found = first === undefined ? {} : { found: { first, names: splitNames(bytes) } }
      const directory = { ino, listing: undefined, ...found, reading: Promise.resolve() }
      this.#handles.found(Number(key.slice(keyOf('').length)), directory)
    }
  }

  /** @throws KernelError ENFILE */
  async open(ino: Ino): Promise<Handle> {
    const { handle } = await this.#handles.add(async () => ({ ino, listing: undefined, reading: Promise.resolve() }))
    this.#surviving.put(keyOf(handle), { ino })
    return handle
  }

  /**
   * Up to `countMax` entries from `offset` on: entry i of the result has the
   * offset `offset + i`. None: the directory ends there.
   */
  async read(
    handle: Handle,
    offset: number,
    countMax: number,
    { attributes = true }: { readonly attributes?: boolean } = {},
  ): Promise<readonly ListedEntry[]> {
    const directory = this.#handles.get(handle)
    const reading = directory.reading.catch(() => {}).then(() => this.#read(directory, offset, countMax))
    directory.reading = reading
    const entries = await reading
    this.#survives(handle, directory, offset, entries.length)
    this.#accessTimes.read(directory.ino)
    return attributes ? this.#asTheyAre(directory.ino, entries) : entries
  }

  release(handle: Handle): void {
    this.#handles.remove(handle)
    this.#surviving.remove([keyOf(handle)])
  }

  /** What was made, moved and removed in it so far is on the master's disk when this resolves. */
  sync(ino: Ino): Promise<void> {
    return this.#fileSystem.syncInode(ino)
  }

  /** The whole directory, "." and ".." first. */
  async list(ino: Ino): Promise<readonly ListedEntry[]> {
    const { entries, parent } = await this.#fileSystem.readDirectory(ino)
    this.#accessTimes.read(ino)
    return [
      ...dots(ino, parent),
      ...entries.map(({ name, attributes }) => ({ name, ino: attributes.ino, kind: attributes.kind, attributes })),
    ]
  }

  async #read(directory: OpenDirectory, offset: number, countMax: number): Promise<readonly ListedEntry[]> {
    if (offset === 0 || offset < (directory.listing?.base ?? 0)) directory.listing = undefined
    directory.listing ??= await this.#begin(directory, offset)
    const { listing } = directory
    while (listing.more && listing.base + listing.entries.length <= offset) {
      const last = listing.entries.at(-1)?.name ?? Buffer.alloc(0)
      const page = await this.#readPage(directory.ino, last)
      listing.entries.push(...page.entries.slice(2))
      listing.more = page.more
    }
    return listing.entries.slice(offset - listing.base, offset - listing.base + countMax)
  }

  /** A listing from the start; or from behind what a reader has had of an earlier process. */
  async #begin({ ino, found }: OpenDirectory, offset: number): Promise<Listing> {
    const last = found?.names[offset - 1 - found.first]
    if (offset === 0 || !last) return this.#readPage(ino, Buffer.alloc(0))
    if (isDot(last)) return this.#readPage(ino, Buffer.alloc(0))
    const { entries, more } = await this.#readPage(ino, last)
    return { base: offset, entries: entries.slice(2), more }
  }

  /** Kept are the names that a reader may go on behind: those it was given, and the one before. */
  #survives(handle: Handle, { ino, listing }: OpenDirectory, offset: number, count: number): void {
    if (!listing || count === 0) return
    const first = Math.max(listing.base, offset - 1)
    const kept = listing.entries.slice(first - listing.base, offset - listing.base + count)
    this.#surviving.put(keyOf(handle), { ino, first }, [joinNames(kept.map(({ name }) => name))])
  }

  /** A page, with the two entries that every directory has before it. */
  async #readPage(ino: Ino, after: Buffer): Promise<Listing> {
    const { entries, more, parent } = await this.#fileSystem.readDirectoryPage(ino, after)
    const listed = entries.map(({ name, attributes }) => ({ name, ino: attributes.ino, kind: attributes.kind }))
    return { base: 0, entries: [...dots(ino, parent), ...listed], more: more && listed.length > 0 }
  }

  /**
   * With the attributes that are known at this moment. The page may have come
   * long ago, and whoever is given attributes may keep them: so all are of one
   * moment, in which nothing is heard from outside. What would have to be asked
   * for comes without.
   */
  async #asTheyAre(directory: Ino, entries: readonly ListedEntry[]): Promise<readonly ListedEntry[]> {
    const found = new Map<ListedEntry, Attributes>()
    for (const entry of entries) {
      if (isDot(entry.name)) continue
      this.#fileSystem.lookup(directory, entry.name).then(
        attributes => attributes.ino === entry.ino && found.set(entry, attributes),
        () => {}, // It has gone, or can't be asked for now: known it is not.
      )
    }
    for (let turn = 0; turn < turnsOfOneMoment; turn++) await undefined
    return entries.map(entry => {
      const attributes = found.get(entry)
      return attributes ? { ...entry, attributes } : entry
    })
  }
}

function keyOf(handle: Handle | ''): string {
  return `dir/${handle}`
}

/** No name has a NUL in it. */
function joinNames(names: readonly Buffer[]): Buffer {
  return Buffer.concat(names.flatMap(name => [name, Buffer.of(0)]))
}

function splitNames(bytes: Buffer): Buffer[] {
  const names: Buffer[] = []
  for (let at = 0, end = bytes.indexOf(0); end >= 0; at = end + 1, end = bytes.indexOf(0, at)) {
    names.push(bytes.subarray(at, end))
  }
  return names
}

function dots(ino: Ino, parent: Ino): ListedEntry[] {
  return [
    { name: Buffer.from('.'), ino, kind: 'directory' },
    { name: Buffer.from('..'), ino: parent, kind: 'directory' },
  ]
}

function isDot(name: Buffer): boolean {
  return name.length <= 2 && name.every(byte => byte === 0x2e)
}
