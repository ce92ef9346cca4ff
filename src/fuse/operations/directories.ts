// Reading directories.
//
// A directory handle reads from a snapshot taken when it is first read, or
// rewound: entries made or removed meanwhile neither shift the others nor
// appear twice. An offset counts entries: 0 is ".", 1 is "..", 2 the first name.

import type { Attributes, FileKind, FileSystem, Ino } from '../../client/file-system.js'
import { type Handle, HandleTable } from './handles.js'
import { openDirectoriesMax } from './limits.js'

export interface ListedEntry {
  readonly name: Buffer
  readonly ino: Ino
  readonly kind: FileKind
  /** What is known of the inode; "." and ".." come without. */
  readonly attributes?: Attributes
}

interface OpenDirectory {
  readonly ino: Ino
  snapshot: readonly ListedEntry[] | undefined
}

export class Directories {
  readonly #fileSystem: FileSystem
  readonly #handles = new HandleTable<OpenDirectory>(openDirectoriesMax)

  constructor(fileSystem: FileSystem) {
    this.#fileSystem = fileSystem
  }

  async open(ino: Ino): Promise<Handle> {
    const { handle } = await this.#handles.add(async () => ({ ino, snapshot: undefined }))
    return handle
  }

  /** Entries from `offset` on: entry i of the result has the offset `offset + i`. */
  async read(handle: Handle, offset: number): Promise<readonly ListedEntry[]> {
    const directory = this.#handles.get(handle)
    if (offset === 0 || !directory.snapshot) directory.snapshot = await this.list(directory.ino)
    return directory.snapshot.slice(offset)
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
    return [
      { name: Buffer.from('.'), ino, kind: 'directory' },
      { name: Buffer.from('..'), ino: parent, kind: 'directory' },
      ...entries.map(({ name, attributes }) => ({ name, ino: attributes.ino, kind: attributes.kind, attributes })),
    ]
  }
}
