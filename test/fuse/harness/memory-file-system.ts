// A FileSystem in memory: what the operations and the bindings are tested on,
// and what their cost is measured against. Follows POSIX as closely as the
// cluster does, so that the shell suites mean the same on both.

import type { Clock } from '../../../src/base/clock.js'
import { LeasefsError } from '../../../src/base/errors.js'
import type {
  AttributeChanges,
  Attributes,
  FileKind,
  FileSystem,
  Lock,
  LockKind,
  Name,
  NewInode,
  OpenFile,
  OpenOptions,
  Timestamp,
} from '../../../src/client/file-system.js'
import { rootIno, symlinkTargetLengthMax } from '../../../src/constants.js'
import type { Ino } from '../../../src/wire/ids.js'
import { attributesOf, checkReplaceable, type Inode } from './memory-inode.js'
import { MemoryLocks } from './memory-locks.js'
import { MemoryPages } from './memory-pages.js'

interface MemoryOptions {
  /** Takes writes and forgets their bytes: to measure what is above. */
  readonly discard?: boolean
  /** What it says of how long its answers may be used. */
  readonly cacheValidMs?: number
  /** Entries of one page of a directory. */
  readonly pageEntries?: number
}

const key = (name: Name) => name.toString('latin1')
const fail = (...[code, what]: ConstructorParameters<typeof LeasefsError>) => new LeasefsError(code, what)

export class MemoryFileSystem implements FileSystem {
  readonly #inodes = new Map<Ino, Inode>()
  readonly #clock: Clock
  readonly #discard: boolean
  readonly #locks = new MemoryLocks()
  readonly cacheValidMs: number
  readonly #pageEntries: number
  #lastIno = rootIno

  constructor(clock: Clock, options: MemoryOptions = {}) {
    this.#clock = clock
    this.#discard = options.discard ?? false
    this.cacheValidMs = options.cacheValidMs ?? 0
    this.#pageEntries = options.pageEntries ?? 1000
    const root = this.#newInode('directory', {
      mode: 0o755,
      uid: process.getuid?.() ?? 0,
      gid: process.getgid?.() ?? 0,
    })
    root.nlink = 2
    root.parent = root.ino
  }

  /** Inodes that exist, with or without a name. */
  get inodeCount(): number {
    return this.#inodes.size
  }

  async lookup(parent: Ino, name: Name): Promise<Attributes> {
    return attributesOf(this.#child(parent, name))
  }

  async resolve(base: Ino, names: readonly Name[]): Promise<readonly Attributes[]> {
    const steps: Attributes[] = []
    let at = base
    for (const name of names) {
      const inode = this.#child(at, name)
      steps.push(attributesOf(inode))
      at = inode.ino
    }
    return steps
  }

  async getAttributes(ino: Ino): Promise<Attributes> {
    return attributesOf(this.#inode(ino))
  }

  async setAttributes(ino: Ino, changes: AttributeChanges): Promise<Attributes> {
    const inode = this.#inode(ino)
    const now = this.#now()
    if (changes.size !== undefined) {
      if (inode.kind !== 'file') throw fail('INVALID_ARGUMENT', `inode ${ino} has no size`)
      inode.pages.truncate(changes.size)
      inode.mtime = now
    }
    inode.mode = changes.mode ?? inode.mode
    if (changes.killPrivileges) inode.mode &= ~(inode.mode & 0o010 ? 0o6000 : 0o4000)
    inode.uid = changes.uid ?? inode.uid
    inode.gid = changes.gid ?? inode.gid
    if (changes.atime) inode.atime = changes.atime === 'now' ? now : changes.atime
    if (changes.mtime) inode.mtime = changes.mtime === 'now' ? now : changes.mtime
    inode.ctime = now
    return attributesOf(inode)
  }

  async syncInode(ino: Ino): Promise<void> {
    this.#inode(ino)
  }

  async readDirectory(ino: Ino) {
    const directory = this.#directory(ino)
    const names = [...directory.entries.keys()].map(name => Buffer.from(name, 'latin1')).sort(Buffer.compare)
    const entries = names.map(name => ({ name, attributes: attributesOf(this.#child(ino, name)) }))
    return { entries, parent: directory.parent }
  }

  async readDirectoryPage(ino: Ino, after: Name) {
    const { entries, parent } = await this.readDirectory(ino)
    const rest = entries.filter(({ name }) => Buffer.compare(name, after) > 0)
    return { entries: rest.slice(0, this.#pageEntries), more: rest.length > this.#pageEntries, parent }
  }

  accessed(ino: Ino): void {
    const inode = this.#inodes.get(ino)
    if (inode) inode.atime = this.#now()
  }

  async create(parent: Ino, name: Name, inode: NewInode, options: OpenOptions & { readonly exclusive: boolean }) {
    const there = this.#directory(parent).entries.get(key(name))
    if (there !== undefined && options.exclusive) throw fail('ALREADY_EXISTS', `${name} exists`)
    const file = there === undefined ? this.#make(parent, name, 'file', inode) : this.#inode(there)
    return { file: await this.open(file.ino, options), attributes: attributesOf(file) }
  }

  async open(ino: Ino, options: OpenOptions): Promise<OpenFile> {
    const inode = this.#inode(ino)
    if (inode.kind === 'directory') throw fail('IS_A_DIRECTORY', `inode ${ino} is a directory`)
    if (options.truncate) await this.setAttributes(ino, { size: 0 })
    inode.openCount++
    let open = true
    return {
      ino,
      read: async (offset, length) => {
        if (!options.read) throw fail('BAD_HANDLE', 'not open for reading')
        return inode.pages.read(offset, length)
      },
      write: async (offset, data) => {
        if (!options.write) throw fail('BAD_HANDLE', 'not open for writing')
        this.#write(inode, options.append ? inode.pages.size : offset, data)
      },
      zero: async (offset, length) => {
        inode.pages.zero(offset, length)
        inode.mtime = inode.ctime = this.#now()
      },
      allocate: async (offset, length) => {
        inode.pages.allocate(offset, length)
        inode.mtime = inode.ctime = this.#now()
      },
      seek: async (offset, what) => inode.pages.seek(offset, what),
      flush: async () => {},
      sync: async () => {},
      close: async () => {
        if (open) inode.openCount--
        open = false
        this.#collect(inode)
      },
    }
  }

  async makeDirectory(parent: Ino, name: Name, inode: NewInode): Promise<Attributes> {
    const made = this.#make(parent, name, 'directory', inode)
    made.nlink = 2
    made.parent = parent
    this.#inode(parent).nlink++
    return attributesOf(made)
  }

  async makeSymlink(parent: Ino, name: Name, target: Buffer, inode: NewInode): Promise<Attributes> {
    if (target.length > symlinkTargetLengthMax) throw fail('NAME_TOO_LONG', 'the target is too long')
    return attributesOf(this.#make(parent, name, 'symlink', inode, 0, Buffer.from(target)))
  }

  async makeNode(parent: Ino, name: Name, kind: FileKind, rdev: number, inode: NewInode): Promise<Attributes> {
    return attributesOf(this.#make(parent, name, kind, inode, rdev))
  }

  async readSymlink(ino: Ino): Promise<Buffer> {
    return this.#inode(ino).target
  }

  async link(ino: Ino, parent: Ino, name: Name): Promise<Attributes> {
    const inode = this.#inode(ino)
    if (inode.kind === 'directory') throw fail('NOT_PERMITTED', 'a directory has one name')
    this.#enter(parent, name, inode)
    inode.nlink++
    inode.ctime = this.#now()
    return attributesOf(inode)
  }

  async unlink(parent: Ino, name: Name): Promise<void> {
    const inode = this.#child(parent, name)
    if (inode.kind === 'directory') throw fail('IS_A_DIRECTORY', `${name} is a directory`)
    this.#leave(parent, name)
    this.#drop(inode)
  }

  async removeDirectory(parent: Ino, name: Name): Promise<void> {
    const directory = this.#directory(this.#child(parent, name).ino)
    if (directory.entries.size > 0) throw fail('NOT_EMPTY', `${name} is not empty`)
    this.#leave(parent, name)
    this.#removeEmpty(directory)
  }

  async rename(
    parent: Ino,
    name: Name,
    newParent: Ino,
    newName: Name,
    options: { readonly noReplace?: boolean; readonly exchange?: boolean } = {},
  ): Promise<void> {
    const moved = this.#child(parent, name)
    const replacedIno = this.#directory(newParent).entries.get(key(newName))
    const replaced = replacedIno === undefined ? undefined : this.#inode(replacedIno)
    if (options.exchange) return this.#exchange(parent, name, newParent, newName)
    if (replaced && options.noReplace) throw fail('ALREADY_EXISTS', `${newName} exists`)
    if (replaced === moved) return
    if (moved.kind === 'directory') this.#checkNotInside(moved, newParent)
    if (replaced) checkReplaceable(moved, replaced)

    if (replaced) this.#leave(newParent, newName)
    this.#leave(parent, name)
    this.#enter(newParent, newName, moved)
    if (moved.kind === 'directory') {
      this.#inode(parent).nlink--
      this.#inode(newParent).nlink++
      moved.parent = newParent
    }
    if (replaced?.kind === 'directory') this.#removeEmpty(replaced)
    else if (replaced) this.#drop(replaced)
    moved.ctime = this.#now()
  }

  async getXattr(ino: Ino, name: Name): Promise<Buffer> {
    const value = this.#inode(ino).xattrs.get(key(name))
    if (!value) throw fail('NO_ATTRIBUTE', `no ${name}`)
    return value
  }

  async setXattr(ino: Ino, name: Name, value: Buffer, options: { createOnly?: boolean; replaceOnly?: boolean } = {}) {
    const { xattrs } = this.#inode(ino)
    if (options.createOnly && xattrs.has(key(name))) throw fail('ALREADY_EXISTS', `${name} is set`)
    if (options.replaceOnly && !xattrs.has(key(name))) throw fail('NO_ATTRIBUTE', `no ${name}`)
    xattrs.set(key(name), Buffer.from(value))
  }

  async listXattrs(ino: Ino): Promise<readonly Name[]> {
    return [...this.#inode(ino).xattrs.keys()].map(name => Buffer.from(name, 'latin1'))
  }

  async removeXattr(ino: Ino, name: Name): Promise<void> {
    if (!this.#inode(ino).xattrs.delete(key(name))) throw fail('NO_ATTRIBUTE', `no ${name}`)
  }

  setLock(ino: Ino, lock: Lock, options: { readonly wait: boolean; readonly signal?: AbortSignal }): Promise<void> {
    return this.#locks.set(ino, lock, options)
  }

  async unlock(ino: Ino, range: Omit<Lock, 'type' | 'pid'>): Promise<void> {
    this.#locks.unlock(ino, range)
  }

  async findLock(ino: Ino, lock: Lock): Promise<Lock | undefined> {
    return this.#locks.find(ino, lock)
  }

  holdsLocks(ino: Ino, kind: LockKind, owner: bigint): boolean {
    return this.#locks.holds(ino, kind, owner)
  }

  async statistics() {
    return { totalBytes: 2 ** 40, freeBytes: 2 ** 39, inodes: this.#inodes.size }
  }

  async close(): Promise<void> {}

  #exchange(parent: Ino, name: Name, newParent: Ino, newName: Name): void {
    const [one, other] = [this.#child(parent, name), this.#child(newParent, newName)]
    for (const [inode, to] of [
      [one, newParent],
      [other, parent],
    ] as const) {
      if (inode.kind === 'directory') this.#checkNotInside(inode, to)
    }
    this.#leave(parent, name)
    this.#leave(newParent, newName)
    for (const [inode, from, to, as] of [
      [one, parent, newParent, newName],
      [other, newParent, parent, name],
    ] as const) {
      this.#enter(to, as, inode)
      inode.ctime = this.#now()
      if (inode.kind !== 'directory') continue
      inode.parent = to
      this.#inode(from).nlink--
      this.#inode(to).nlink++
    }
  }

  #write(inode: Inode, offset: number, data: Buffer): void {
    if (this.#discard) inode.pages.size = Math.max(inode.pages.size, offset + data.length)
    else inode.pages.write(offset, data)
    inode.mtime = inode.ctime = this.#now()
  }

  #now(): Timestamp {
    const ns = this.#clock.wallNs()
    return { seconds: Number(ns / 1_000_000_000n), nanos: Number(ns % 1_000_000_000n) }
  }

  #inode(ino: Ino): Inode {
    const inode = this.#inodes.get(ino)
    if (!inode) throw fail('NOT_FOUND', `no inode ${ino}`)
    return inode
  }

  #directory(ino: Ino): Inode {
    const inode = this.#inode(ino)
    if (inode.kind !== 'directory') throw fail('NOT_A_DIRECTORY', `inode ${ino} is no directory`)
    return inode
  }

  #child(parent: Ino, name: Name): Inode {
    const ino = this.#directory(parent).entries.get(key(name))
    if (ino === undefined) throw fail('NOT_FOUND', `no ${name} in directory ${parent}`)
    return this.#inode(ino)
  }

  #make(parent: Ino, name: Name, kind: FileKind, inode: NewInode, rdev = 0, target = Buffer.alloc(0)): Inode {
    if (this.#directory(parent).entries.has(key(name))) throw fail('ALREADY_EXISTS', `${name} exists`)
    const made = this.#newInode(kind, inode, rdev, target)
    this.#enter(parent, name, made)
    return made
  }

  #newInode(kind: FileKind, inode: NewInode, rdev = 0, target = Buffer.alloc(0)): Inode {
    const now = this.#now()
    const ino = (this.#inodes.size === 0 ? rootIno : ++this.#lastIno) as Ino
    const times = { atime: now, mtime: now, ctime: now }
    const made: Inode = {
      ...{ ino, kind, ...inode, nlink: 1, ...times, rdev, target, openCount: 0, parent: ino },
      ...{ pages: new MemoryPages(), entries: new Map(), xattrs: new Map() },
    }
    this.#inodes.set(ino, made)
    return made
  }

  #enter(parent: Ino, name: Name, inode: Inode): void {
    const directory = this.#directory(parent)
    if (directory.entries.has(key(name))) throw fail('ALREADY_EXISTS', `${name} exists`)
    directory.entries.set(key(name), inode.ino)
    directory.mtime = directory.ctime = this.#now()
  }

  #leave(parent: Ino, name: Name): void {
    const directory = this.#directory(parent)
    directory.entries.delete(key(name))
    directory.mtime = directory.ctime = this.#now()
  }

  #drop(inode: Inode): void {
    inode.nlink--
    inode.ctime = this.#now()
    this.#collect(inode)
  }

  #removeEmpty(directory: Inode): void {
    this.#inode(directory.parent).nlink--
    directory.nlink = 0
    this.#inodes.delete(directory.ino)
  }

  /** An inode without a name lives until its last handle is closed. */
  #collect(inode: Inode): void {
    if (inode.nlink === 0 && inode.openCount === 0) this.#inodes.delete(inode.ino)
  }

  #checkNotInside(moved: Inode, newParent: Ino): void {
    for (let at = this.#inode(newParent); ; at = this.#inode(at.parent)) {
      if (at === moved) throw fail('INVALID_ARGUMENT', 'a directory can not move into itself')
      if (at.ino === rootIno) return
    }
  }
}
