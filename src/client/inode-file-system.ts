// The FileSystem on a cluster: names and attributes from the master through the
// cache (metadata.ts), bytes from and to the chunkservers through what handles
// of one inode share (open-inode.ts). Here the two meet: whoever is shown
// attributes sees them with what this client has written and not yet pushed.

import { LeasefsError } from '../base/errors.js'
import { symlinkTargetLengthMax } from '../constants.js'
import type { Ino } from '../wire/ids.js'
import type { AccessTimes } from './access-times.js'
import { checkChanges, checkNewInode, checkXattr } from './check-attributes.js'
import type { ClientState } from './client-state.js'
import type {
  AttributeChanges,
  Attributes,
  Caused,
  Deleter,
  DirectoryPage,
  Entry,
  FileKind,
  FileSystem,
  Lock,
  LockKind,
  Name,
  NewInode,
  OpenFile,
  OpenOptions,
  Statistics,
  XattrOptions,
} from './file-system.js'
import { listDirectory, listPage } from './list-directory.js'
import type { LockRange } from './lock-messages.js'
import type { Locks } from './locks.js'
import type { Metadata } from './metadata.js'
import { checkName } from './names.js'
import { InodeHandle } from './open-file.js'
import type { OpenInode } from './open-inode.js'
import type { OpenInodes } from './open-inodes.js'
import type { WriteBehind } from './write-behind.js'

export interface InodeFileSystemParts {
  readonly metadata: Metadata
  readonly inodes: OpenInodes
  readonly behind: WriteBehind
  readonly locks: Locks
  readonly accessTimes: AccessTimes
  readonly cacheValidMs: () => number
  /** This client in traces: "client:SESSION". */
  readonly who: () => string
  readonly state: () => ClientState
  /** Lets go of connections and the session, when everything has been flushed. */
  readonly close: () => Promise<void>
  /** See InodeFileSystem.resumed(). */
  readonly resumed?: (() => void) | undefined
}

export class InodeFileSystem implements FileSystem {
  readonly #metadata: Metadata
  readonly #inodes: OpenInodes
  readonly #behind: WriteBehind
  readonly #locks: Locks
  readonly #accessTimes: AccessTimes
  readonly #cacheValidMs: () => number
  readonly #who: () => string
  readonly #state: () => ClientState
  readonly #closeParts: () => Promise<void>
  readonly #resumed: () => void
  #closing: Promise<void> | undefined

  constructor(parts: InodeFileSystemParts) {
    this.#metadata = parts.metadata
    this.#inodes = parts.inodes
    this.#behind = parts.behind
    this.#locks = parts.locks
    this.#accessTimes = parts.accessTimes
    this.#cacheValidMs = parts.cacheValidMs
    this.#who = parts.who
    this.#state = parts.state
    this.#closeParts = parts.close
    this.#resumed = parts.resumed ?? (() => {})
  }

  /** This client in traces. Another after a session was lost. */
  get who(): string {
    return this.#who()
  }

  /** To be called when the files that an earlier process had open are open again: of the rest nobody hears any more. */
  resumed(): void {
    this.#resumed()
  }

  /** What this client does and waits for, at this moment. */
  get state(): ClientState {
    return this.#state()
  }

  async lookup(parent: Ino, name: Name): Promise<Attributes> {
    checkName(name)
    return this.#view(await this.#metadata.lookup(parent, name))
  }

  async resolve(base: Ino, names: readonly Name[]): Promise<readonly Attributes[]> {
    names.forEach(checkName)
    const steps = await this.#metadata.resolve(base, names)
    return steps.map(step => this.#view(step))
  }

  async getAttributes(ino: Ino): Promise<Attributes> {
    return this.#view(await this.#metadata.getAttributes(ino))
  }

  async setAttributes(ino: Ino, changes: AttributeChanges): Promise<Attributes> {
    checkChanges(changes)
    const { size, atime, mtime } = changes
    if (atime) this.#accessTimes.forget(ino)
    if (size !== undefined) checkMayChange(await this.#metadata.getAttributes(ino))
    if (size !== undefined) return this.#inodes.using(ino, inode => inode.truncate({ ...changes, size }))
    if (mtime) this.#inodes.get(ino)?.writes.setMtime(mtime)
    return this.#view(await this.#metadata.setAttributes(ino, changes))
  }

  async syncInode(ino: Ino): Promise<void> {
    await this.#inodes.get(ino)?.writes.flush()
    await this.#metadata.syncInode(ino)
  }

  async readDirectory(ino: Ino): Promise<{ readonly entries: readonly Entry[]; readonly parent: Ino }> {
    const { entries, parent } = await listDirectory(this.#metadata, ino)
    return { entries: this.#viewed(entries), parent }
  }

  async readDirectoryPage(ino: Ino, after: Name): Promise<DirectoryPage> {
    const { entries, more, parent } = await listPage(this.#metadata, ino, after)
    return { entries: this.#viewed(entries), more, parent }
  }

  accessed(ino: Ino): void {
    this.#accessTimes.note(ino)
  }

  async create(
    parent: Ino,
    name: Name,
    inode: NewInode,
    options: OpenOptions & { readonly exclusive: boolean },
  ): Promise<{ readonly attributes: Attributes; readonly file: OpenFile }> {
    checkName(name)
    checkNewInode(inode)
    const { exclusive } = options
    const opened = await this.#inodes.create(() =>
      this.#metadata.make(parent, name, 'file', inode, { exclusive, open: true }),
    )
    return this.#handle(opened, options, true)
  }

  async open(ino: Ino, options: OpenOptions): Promise<OpenFile> {
    const { file } = await this.#handle(await this.#inodes.open(ino), options, false)
    return file
  }

  async makeDirectory(parent: Ino, name: Name, inode: NewInode): Promise<Attributes> {
    checkName(name)
    checkNewInode(inode)
    return this.#metadata.make(parent, name, 'directory', inode, { exclusive: true })
  }

  async makeSymlink(parent: Ino, name: Name, target: Buffer, inode: NewInode): Promise<Attributes> {
    checkName(name)
    checkNewInode(inode)
    if (target.length === 0) throw new LeasefsError('NOT_FOUND', 'a symbolic link must lead somewhere')
    if (target.length > symlinkTargetLengthMax) throw new LeasefsError('NAME_TOO_LONG', 'the link target is too long')
    return this.#metadata.make(parent, name, 'symlink', inode, { target, exclusive: true })
  }

  async makeNode(parent: Ino, name: Name, kind: FileKind, rdev: number, inode: NewInode): Promise<Attributes> {
    checkName(name)
    checkNewInode(inode, rdev)
    return this.#metadata.make(parent, name, kind, inode, { rdev, exclusive: true })
  }

  readSymlink(ino: Ino): Promise<Buffer> {
    return this.#metadata.readSymlink(ino)
  }

  async link(ino: Ino, parent: Ino, name: Name, by?: Caused): Promise<Attributes> {
    checkName(name)
    return this.#view(await this.#metadata.link(ino, parent, name, by))
  }

  async unlink(parent: Ino, name: Name, by?: Deleter): Promise<void> {
    checkName(name)
    await this.#metadata.remove(parent, name, 'unlink', by)
  }

  async removeDirectory(parent: Ino, name: Name, by?: Caused): Promise<void> {
    checkName(name)
    await this.#metadata.remove(parent, name, 'removeDirectory', by)
  }

  async rename(...[parent, name, newParent, newName, options]: Parameters<FileSystem['rename']>): Promise<void> {
    checkName(name)
    checkName(newName)
    await this.#metadata.rename(parent, name, newParent, newName, options)
  }

  async getXattr(ino: Ino, name: Name): Promise<Buffer> {
    checkXattr(name)
    return this.#metadata.getXattr(ino, name)
  }

  async setXattr(ino: Ino, name: Name, value: Buffer, options?: XattrOptions): Promise<void> {
    checkXattr(name, value)
    await this.#metadata.setXattr(ino, name, value, options)
  }

  listXattrs(ino: Ino): Promise<readonly Name[]> {
    return this.#metadata.listXattrs(ino)
  }

  async removeXattr(ino: Ino, name: Name, by?: Caused): Promise<void> {
    checkXattr(name)
    await this.#metadata.removeXattr(ino, name, by)
  }

  async setLock(
    ino: Ino,
    lock: Lock,
    options: { readonly wait: boolean; readonly signal?: AbortSignal },
  ): Promise<void> {
    await this.#locks.set(ino, lock, options)
  }

  unlock(ino: Ino, range: LockRange): Promise<void> {
    return this.#locks.unlock(ino, range)
  }

  findLock(ino: Ino, lock: Lock): Promise<Lock | undefined> {
    return this.#locks.find(ino, lock)
  }

  holdsLocks(ino: Ino, kind: LockKind, owner: bigint): boolean {
    return this.#locks.holds(ino, kind, owner)
  }

  get cacheValidMs(): number {
    return this.#cacheValidMs()
  }

  statistics(): Promise<Statistics> {
    return this.#metadata.statistics()
  }

  /** Resolves when everything that was written so far has been applied, or has failed. */
  async settle(): Promise<void> {
    await Promise.all([...this.#inodes.all()].map(({ writes }) => writes.settle()))
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    const flushed = await Promise.allSettled([...this.#inodes.all()].map(({ writes }) => writes.flush()))
    this.#behind.close()
    await this.#closeParts()
    for (const outcome of flushed) if (outcome.status === 'rejected') throw outcome.reason
  }

  #view(attributes: Attributes): Attributes {
    const viewed = this.#inodes.get(attributes.ino)?.writes.view(attributes) ?? attributes
    return this.#accessTimes.view(viewed)
  }

  #viewed(entries: readonly Entry[]): Entry[] {
    return entries.map(({ name, attributes }) => ({ name, attributes: this.#view(attributes) }))
  }

  /** The inode is open at the master: from here on a handle lets go of it, or we do. */
  async #handle(
    { inode, attributes }: { readonly inode: OpenInode; readonly attributes: Attributes },
    options: OpenOptions,
    mayBeNew: boolean,
  ): Promise<{ readonly attributes: Attributes; readonly file: OpenFile }> {
    try {
      const { ino, kind, size } = attributes
      if (kind === 'directory') throw new LeasefsError('IS_A_DIRECTORY', `inode ${ino} is a directory`)
      if (kind !== 'file') throw new LeasefsError('INVALID_ARGUMENT', `inode ${ino} is a ${kind}: it has no bytes here`)
      if (options.write || options.truncate) checkMayChange(attributes)
      const hasBytes = size > 0 || !inode.writes.isClean
      const cut = options.truncate && (hasBytes || !mayBeNew) ? await inode.truncate({ size: 0 }) : attributes
      const file = new InodeHandle(inode, options, this.#behind, () => this.#inodes.release(inode))
      return { attributes: cut, file }
    } catch (reason) {
      this.#inodes.release(inode)
      throw reason
    }
  }
}

/** The master would refuse what is written to a file in the trash, but only when it has been written. @throws LeasefsError NOT_PERMITTED */
function checkMayChange({ ino, trashed }: Attributes): void {
  if (trashed) throw new LeasefsError('NOT_PERMITTED', `inode ${ino} is in the trash`)
}
