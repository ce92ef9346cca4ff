// Reading directories.
//
// A directory is read page by page, as far as the reader has come: the first
// entries of a large one come at once, and what is kept is what has been read.
// A page begins after the last name before it, so whatever stays in the
// directory comes exactly once, whatever others add and remove. What has been
// read keeps its offset until the handle is rewound: 0 is ".", 1 is "..", 2 the
// first name.

import { LeasefsError } from '../../base/errors.js'
import type { Attributes, FileKind, FileSystem, Ino } from '../../client/file-system.js'
import type { AccessTimes } from './access-times.js'
import { type Handle, HandleTable } from './handles.js'
import { openDirectoriesMax } from './limits.js'

export interface ListedEntry {
  readonly name: Buffer
  readonly ino: Ino
  readonly kind: FileKind
  /** As they are now; absent for "." and "..", for what has gone meanwhile, and if they were not asked for. */
  readonly attributes?: Attributes
}

interface Listing {
  readonly entries: ListedEntry[]
  more: boolean
}

interface OpenDirectory {
  readonly ino: Ino
  listing: Listing | undefined
  /** Reads of one handle follow one another. */
  reading: Promise<unknown>
}

export class Directories {
  readonly #fileSystem: FileSystem
  readonly #accessTimes: AccessTimes
  readonly #handles = new HandleTable<OpenDirectory>(openDirectoriesMax)

  constructor(fileSystem: FileSystem, accessTimes: AccessTimes) {
    this.#fileSystem = fileSystem
    this.#accessTimes = accessTimes
  }

  /** @throws KernelError ENFILE */
  async open(ino: Ino): Promise<Handle> {
    const { handle } = await this.#handles.add(async () => ({ ino, listing: undefined, reading: Promise.resolve() }))
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
    this.#accessTimes.read(directory.ino)
    return attributes ? Promise.all(entries.map(entry => this.#asItIs(directory.ino, entry))) : entries
  }

  release(handle: Handle): void {
    this.#handles.remove(handle)
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
    if (offset === 0) directory.listing = undefined
    directory.listing ??= await this.#readPage(directory.ino, Buffer.alloc(0))
    const { listing } = directory
    while (listing.more && listing.entries.length <= offset) {
      const last = listing.entries.at(-1)?.name ?? Buffer.alloc(0)
      const page = await this.#readPage(directory.ino, last)
      listing.entries.push(...page.entries.slice(2))
      listing.more = page.more
    }
    return listing.entries.slice(offset, offset + countMax)
  }

  /** A page, with the two entries that every directory has before it. */
  async #readPage(ino: Ino, after: Buffer): Promise<Listing> {
    const { entries, more, parent } = await this.#fileSystem.readDirectoryPage(ino, after)
    const listed = entries.map(({ name, attributes }) => ({ name, ino: attributes.ino, kind: attributes.kind }))
    return { entries: [...dots(ino, parent), ...listed], more: more && listed.length > 0 }
  }

  /** The page may have been read long ago; whoever is given attributes may keep them as of now. */
  async #asItIs(directory: Ino, entry: ListedEntry): Promise<ListedEntry> {
    if (isDot(entry.name)) return entry
    try {
      const attributes = await this.#fileSystem.lookup(directory, entry.name)
      return attributes.ino === entry.ino ? { ...entry, attributes } : entry
    } catch (reason) {
      if (LeasefsError.from(reason).code === 'NOT_FOUND') return entry
      throw reason
    }
  }
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
