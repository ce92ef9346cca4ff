// A file system seen through a mapping of its inode numbers and owners. Each
// view is such a mapping; what becomes of which argument is decided here, once.

import type {
  AttributeChanges,
  Attributes,
  Caused,
  Deleter,
  DirectoryPage,
  Entry,
  FileKind,
  FileSystem,
  Ino,
  Lock,
  LockKind,
  Name,
  NewInode,
  OpenFile,
  OpenOptions,
  Statistics,
} from '../../client/file-system.js'
import { rootIno } from '../../constants.js'

export interface Mapping {
  /**
   * The inode that is called so in the view.
   *
   * @throws LeasefsError NOT_FOUND: the view has none
   */
  inward(ino: Ino): Ino
  /** What an inode is called in the view. */
  outward(ino: Ino): Ino
  /** As the view shows them; `ino` is mapped already. */
  attributes(attributes: Attributes): Attributes
  /**
   * What is to be made of changes asked for in the view.
   *
   * @throws LeasefsError NOT_PERMITTED
   */
  changes(changes: AttributeChanges): AttributeChanges
  newInode(inode: NewInode): NewInode
}

/** A mapping that changes nothing: to be spread into those that change something. */
export const identity: Mapping = {
  inward: ino => ino,
  outward: ino => ino,
  attributes: attributes => attributes,
  changes: changes => changes,
  newInode: inode => inode,
}

type CreateOptions = OpenOptions & { readonly exclusive: boolean }
type Created = { readonly attributes: Attributes; readonly file: OpenFile }

/** Open files are handed through as they are: no mapping changes the number of a regular file. */
export class MappedFileSystem implements FileSystem {
  readonly #inner: FileSystem
  readonly #mapping: Mapping

  constructor(inner: FileSystem, mapping: Mapping) {
    this.#inner = inner
    this.#mapping = mapping
  }

  get cacheValidMs(): number {
    return this.#inner.cacheValidMs
  }

  async lookup(parent: Ino, name: Name): Promise<Attributes> {
    return this.#shown(await this.#inner.lookup(this.#in(parent), name))
  }

  async resolve(base: Ino, names: readonly Name[]): Promise<readonly Attributes[]> {
    return (await this.#inner.resolve(this.#in(base), names)).map(step => this.#shown(step))
  }

  async getAttributes(ino: Ino): Promise<Attributes> {
    return this.#shown(await this.#inner.getAttributes(this.#in(ino)))
  }

  async setAttributes(ino: Ino, changes: AttributeChanges): Promise<Attributes> {
    const mapped = this.#mapping.changes(changes)
    const nothingLeft = Object.values(mapped).every(value => value === undefined)
    if (nothingLeft) return this.getAttributes(ino)
    return this.#shown(await this.#inner.setAttributes(this.#in(ino), mapped))
  }

  async syncInode(ino: Ino): Promise<void> {
    await this.#inner.syncInode(this.#in(ino))
  }

  async readDirectory(ino: Ino): Promise<{ readonly entries: readonly Entry[]; readonly parent: Ino }> {
    const { entries, parent } = await this.#inner.readDirectory(this.#in(ino))
    return { entries: this.#entries(entries), parent: this.#parent(ino, parent) }
  }

  async readDirectoryPage(ino: Ino, after: Name): Promise<DirectoryPage> {
    const { entries, more, parent } = await this.#inner.readDirectoryPage(this.#in(ino), after)
    return { entries: this.#entries(entries), more, parent: this.#parent(ino, parent) }
  }

  accessed(ino: Ino): void {
    this.#inner.accessed(this.#in(ino))
  }

  async create(parent: Ino, name: Name, inode: NewInode, options: CreateOptions): Promise<Created> {
    const { attributes, file } = await this.#inner.create(this.#in(parent), name, this.#made(inode), options)
    return { attributes: this.#shown(attributes), file }
  }

  async open(ino: Ino, options: OpenOptions): Promise<OpenFile> {
    return this.#inner.open(this.#in(ino), options)
  }

  async makeDirectory(parent: Ino, name: Name, inode: NewInode): Promise<Attributes> {
    return this.#shown(await this.#inner.makeDirectory(this.#in(parent), name, this.#made(inode)))
  }

  async makeSymlink(parent: Ino, name: Name, target: Buffer, inode: NewInode): Promise<Attributes> {
    return this.#shown(await this.#inner.makeSymlink(this.#in(parent), name, target, this.#made(inode)))
  }

  async makeNode(parent: Ino, name: Name, kind: FileKind, rdev: number, inode: NewInode): Promise<Attributes> {
    return this.#shown(await this.#inner.makeNode(this.#in(parent), name, kind, rdev, this.#made(inode)))
  }

  async readSymlink(ino: Ino): Promise<Buffer> {
    return this.#inner.readSymlink(this.#in(ino))
  }

  async link(ino: Ino, parent: Ino, name: Name, by?: Caused): Promise<Attributes> {
    return this.#shown(await this.#inner.link(this.#in(ino), this.#in(parent), name, by))
  }

  async unlink(parent: Ino, name: Name, by?: Deleter): Promise<void> {
    await this.#inner.unlink(this.#in(parent), name, by)
  }

  async removeDirectory(parent: Ino, name: Name, by?: Caused): Promise<void> {
    await this.#inner.removeDirectory(this.#in(parent), name, by)
  }

  async rename(...[parent, name, newParent, newName, options]: Parameters<FileSystem['rename']>): Promise<void> {
    await this.#inner.rename(this.#in(parent), name, this.#in(newParent), newName, options)
  }

  async getXattr(ino: Ino, name: Name): Promise<Buffer> {
    return this.#inner.getXattr(this.#in(ino), name)
  }

  async setXattr(...[ino, name, value, options]: Parameters<FileSystem['setXattr']>): Promise<void> {
    await this.#inner.setXattr(this.#in(ino), name, value, options)
  }

  async listXattrs(ino: Ino): Promise<readonly Name[]> {
    return this.#inner.listXattrs(this.#in(ino))
  }

  async removeXattr(ino: Ino, name: Name, by?: Caused): Promise<void> {
    await this.#inner.removeXattr(this.#in(ino), name, by)
  }

  async setLock(...[ino, lock, options]: Parameters<FileSystem['setLock']>): Promise<void> {
    await this.#inner.setLock(this.#in(ino), lock, options)
  }

  async unlock(...[ino, range]: Parameters<FileSystem['unlock']>): Promise<void> {
    await this.#inner.unlock(this.#in(ino), range)
  }

  async findLock(ino: Ino, lock: Lock): Promise<Lock | undefined> {
    return this.#inner.findLock(this.#in(ino), lock)
  }

  holdsLocks(ino: Ino, kind: LockKind, owner: bigint): boolean {
    return this.#inner.holdsLocks(this.#in(ino), kind, owner)
  }

  statistics(): Promise<Statistics> {
    return this.#inner.statistics()
  }

  close(): Promise<void> {
    return this.#inner.close()
  }

  #in(ino: Ino): Ino {
    return this.#mapping.inward(ino)
  }

  #shown(attributes: Attributes): Attributes {
    const ino = this.#mapping.outward(attributes.ino)
    return this.#mapping.attributes(ino === attributes.ino ? attributes : { ...attributes, ino })
  }

  #entries(entries: readonly Entry[]): readonly Entry[] {
    return entries.map(({ name, attributes }) => ({ name, attributes: this.#shown(attributes) }))
  }

  /** The root is its own parent, in each view. */
  #parent(ino: Ino, parent: Ino): Ino {
    return ino === rootIno ? ino : this.#mapping.outward(parent)
  }

  #made(inode: NewInode): NewInode {
    return this.#mapping.newInode(inode)
  }
}
