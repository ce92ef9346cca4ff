// Open files.
//
// close(2) arrives as flush, once for each duplicate of the descriptor, and
// the caller hears of its result; release comes once, after the last, and no
// one listens to it. So flush is where errors of earlier writes must surface,
// and where a process that closes any descriptor of a file loses its locks.

import { constants } from 'node:fs'
import { LeasefsError } from '../../base/errors.js'
import type { Logger } from '../../base/log.js'
import type { SurvivingMap } from '../../base/surviving-map.js'
import type {
  Attributes,
  Caused,
  FileSystem,
  Ino,
  LockKind,
  Name,
  OpenFile,
  OpenOptions,
} from '../../client/file-system.js'
import { KernelError } from '../errno.js'
import type { AccessTimes } from './access-times.js'
import { allocate } from './allocate.js'
import { type Handle, HandleTable } from './handles.js'
import { openFilesMax } from './limits.js'
import { LostFile } from './lost-file.js'
import { type Caller, checkName, type Names } from './names.js'
import { killPrivileges } from './privileges.js'

interface Opened {
  readonly file: OpenFile
  readonly writable: boolean
  readonly notesReads: boolean
  readonly mayKeepPages: boolean
}

/** What the kernel says of a caller who changes a file: whether its set-id bits go. */
export interface ChangeOptions extends Caused {
  readonly killPrivileges?: boolean
}

/** lseek(2), as on Linux. */
export const whence = { data: 3, hole: 4 } as const

export interface FilesOptions {
  readonly fileSystem: FileSystem
  readonly names: Names
  readonly accessTimes: AccessTimes
  readonly log: Logger
  /** Where it is kept what is open, for the next process. */
  readonly surviving: SurvivingMap
}

export class Files {
  readonly #fileSystem: FileSystem
  readonly #names: Names
  readonly #accessTimes: AccessTimes
  readonly #log: Logger
  readonly #surviving: SurvivingMap
  readonly #handles = new HandleTable<Opened>(openFilesMax)
  readonly #openCounts = new Map<Ino, number>()
  /** Releases under way. */
  readonly #closing = new Set<Promise<void>>()

  constructor({ fileSystem, names, accessTimes, log, surviving }: FilesOptions) {
    this.#fileSystem = fileSystem
    this.#names = names
    this.#accessTimes = accessTimes
    this.#log = log
    this.#surviving = surviving
  }

  get openCount(): number {
    return this.#handles.count
  }

  /** Whether any handle is open on the inode. */
  isOpen(ino: Ino): boolean {
    return this.#openCounts.has(ino)
  }

  /** `flags` as in open(2), of this platform. */
  async open(ino: Ino, flags: number, { killPrivileges = false }: ChangeOptions = {}): Promise<Handle> {
    const options = openOptions(flags)
    const { handle } = await this.#handles.add(async () =>
      this.#opened(await this.#fileSystem.open(ino, options), flags, killPrivileges),
    )
    this.#count(ino, 1)
    this.#surviving.put(keyOf(handle), { ino, flags })
    return handle
  }

  /** Opens again what an earlier process had open. A file that can't be opened any more is lost, and says so. */
  async resume(): Promise<void> {
    const open = this.#surviving.inherited.filter(({ key }) => key.startsWith(keyOf('')))
    await Promise.all(
      open.map(async ({ key, value }) => {
        const { ino, flags } = value as { ino: Ino; flags: number }
        this.#handles.found(Number(key.slice(keyOf('').length)), await this.#reopened(ino, flags))
        this.#count(ino, 1)
      }),
    )
  }

  async #reopened(ino: Ino, flags: number): Promise<Opened> {
    const options = { ...openOptions(flags), truncate: false }
    const notesReads = options.read && this.#accessTimes.areKept && (flags & constants.O_NOATIME) === 0
    const opened = { writable: options.write, notesReads, mayKeepPages: false }
    try {
      return { ...opened, file: await this.#fileSystem.open(ino, options) }
    } catch (reason) {
      this.#log.error({ ino, code: LeasefsError.from(reason).code }, 'an open file is lost')
      return { ...opened, file: new LostFile(ino) }
    }
  }

  /** open(2) with O_CREAT, as one step: with O_EXCL among the flags, an entry that is there is ALREADY_EXISTS. */
  async create(
    parent: Ino,
    name: Name,
    mode: number,
    caller: Caller,
    flags: number,
    { killPrivileges = false }: ChangeOptions = {},
  ) {
    checkName(name)
    const inode = await this.#names.newInode(parent, mode, caller, 'file')
    const options = { ...openOptions(flags), exclusive: (flags & constants.O_EXCL) !== 0 }
    // A new file keeps the bits that it was made with.
    const kill = killPrivileges && (await this.#isThere(parent, name))
    const { handle, opened } = await this.#handles.add(async () => {
      const { file } = await this.#fileSystem.create(parent, name, inode, options)
      return this.#opened(file, flags, kill)
    })
    const { attributes } = opened
    this.#count(attributes.ino, 1)
    this.#surviving.put(keyOf(handle), { ino: attributes.ino, flags })
    return { handle, attributes }
  }

  /** What the handle was opened on, whatever its name is by now. */
  inoOf(handle: Handle): Ino {
    return this.#handles.get(handle).file.ino
  }

  /**
   * Whether the kernel may keep its pages of the file over this open. Not if a
   * read is to be noted in the access time: from its pages we would not see it.
   */
  mayKeepPages(handle: Handle): boolean {
    return this.#handles.get(handle).mayKeepPages
  }

  async read(handle: Handle, offset: number, length: number): Promise<readonly Buffer[]> {
    const { file, notesReads } = this.#handles.get(handle)
    const pieces = await file.read(offset, length)
    if (notesReads && length > 0) this.#accessTimes.read(file.ino)
    return pieces
  }

  /** Has taken (copied) all of `data` when it resolves. */
  async write(handle: Handle, offset: number, data: Buffer, options: ChangeOptions = {}): Promise<void> {
    const { file } = this.#writable(handle)
    if (data.length > 0) await killPrivileges(this.#fileSystem, file.ino, options.killPrivileges ?? false)
    return file.write(offset, data, options)
  }

  /** fallocate(2). @throws LeasefsError NOT_SUPPORTED, INVALID_ARGUMENT, FILE_TOO_LARGE, NO_SPACE */
  async allocate(
    handle: Handle,
    mode: number,
    offset: number,
    length: number,
    options: ChangeOptions = {},
  ): Promise<void> {
    const { file } = this.#writable(handle)
    await killPrivileges(this.#fileSystem, file.ino, options.killPrivileges ?? false)
    await allocate(this.#fileSystem, file, { mode, offset, length })
  }

  /** lseek(2) with SEEK_DATA or SEEK_HOLE. @throws KernelError ENXIO: there is none from there on */
  async seek(handle: Handle, offset: number, from: number): Promise<number> {
    const { file } = this.#handles.get(handle)
    if (from !== whence.data && from !== whence.hole) throw new LeasefsError('INVALID_ARGUMENT', `lseek from ${from}`)
    const found = offset < 0 ? undefined : await file.seek(offset, from === whence.data ? 'data' : 'hole')
    if (found === undefined) throw new KernelError('ENXIO', `nothing to be found from ${offset} on`)
    return found
  }

  /**
   * A reader's close has nothing to report, and doesn't wait for the writers of
   * the file. `owner` is the process that closes: it holds no POSIX lock any more.
   */
  async flush(handle: Handle, owner?: bigint): Promise<void> {
    const { file, writable } = this.#handles.get(handle)
    try {
      if (writable) await file.flush()
    } finally {
      await this.#unlock(file.ino, 'posix', owner)
    }
  }

  async sync(handle: Handle): Promise<void> {
    return this.#handles.get(handle).file.sync()
  }

  /** `flockOwner` is the open file: with its last descriptor its flock(2) goes. */
  async release(handle: Handle, flockOwner?: bigint): Promise<void> {
    const opened = this.#handles.remove(handle)
    this.#surviving.remove([keyOf(handle)])
    await this.#unlock(opened.file.ino, 'flock', flockOwner)
    return this.#close(opened)
  }

  /** Lets go of every handle; resolves when what they wrote has been flushed, or has failed and been logged. */
  async close(): Promise<void> {
    for (const opened of this.#handles.removeAll()) void this.#close(opened)
    await Promise.all(this.#closing)
  }

  /**
   * The file as a handle has it; what opening it asks for besides is done. The
   * attributes are asked for last: the kernel may keep them as of now.
   */
  async #opened(file: OpenFile, flags: number, kill: boolean): Promise<Opened & { readonly attributes: Attributes }> {
    const { read, write, truncate } = openOptions(flags)
    const notesReads = read && this.#accessTimes.areKept && (flags & constants.O_NOATIME) === 0
    try {
      if (truncate) await killPrivileges(this.#fileSystem, file.ino, kill)
      const attributes = await this.#fileSystem.getAttributes(file.ino)
      const isDue = notesReads && this.#accessTimes.isDue(attributes)
      return { file, writable: write, notesReads, mayKeepPages: !isDue, attributes }
    } catch (reason) {
      await file.close().catch(() => {}) // Nothing was written to it.
      throw reason
    }
  }

  #writable(handle: Handle): Opened {
    const opened = this.#handles.get(handle)
    if (opened.file instanceof LostFile) throw opened.file.reason
    if (!opened.writable) throw new LeasefsError('BAD_HANDLE', `handle ${handle} is not open for writing`)
    return opened
  }

  async #isThere(parent: Ino, name: Name): Promise<boolean> {
    try {
      await this.#fileSystem.lookup(parent, name)
      return true
    } catch (reason) {
      if (LeasefsError.from(reason).code === 'NOT_FOUND') return false
      throw reason
    }
  }

  /** A lock that can't be given up ends with the session; a close does not fail for it. */
  async #unlock(ino: Ino, kind: LockKind, owner: bigint | undefined): Promise<void> {
    if (owner === undefined || !this.#fileSystem.holdsLocks(ino, kind, owner)) return
    try {
      await this.#fileSystem.unlock(ino, { kind, start: 0, end: Infinity, owner })
    } catch (reason) {
      this.#log.warn({ ino, code: LeasefsError.from(reason).code }, 'closing a file did not give up its locks')
    }
  }

  #count(ino: Ino, step: 1 | -1): void {
    const count = (this.#openCounts.get(ino) ?? 0) + step
    if (count > 0) this.#openCounts.set(ino, count)
    else this.#openCounts.delete(ino)
  }

  #close({ file }: Opened): Promise<void> {
    this.#count(file.ino, -1)
    const done = file
      .close()
      .catch(reason =>
        this.#log.error(
          { err: reason, ino: file.ino },
          'releasing a file failed: some of what was written to it is lost',
        ),
      )
      .finally(() => this.#closing.delete(done))
    this.#closing.add(done)
    return done
  }
}

function keyOf(handle: Handle | ''): string {
  return `file/${handle}`
}

/** open(2) flags as what the file system is asked for. */
export function openOptions(flags: number): OpenOptions {
  const access = flags & (constants.O_RDONLY | constants.O_WRONLY | constants.O_RDWR)
  const sync = (flags & constants.O_DSYNC) !== 0 || (flags & constants.O_SYNC) !== 0
  return {
    read: access !== constants.O_WRONLY,
    write: access !== constants.O_RDONLY,
    append: (flags & constants.O_APPEND) !== 0,
    truncate: (flags & constants.O_TRUNC) !== 0,
    sync,
  }
}
