// Open files.
//
// close(2) arrives as flush, once for each duplicate of the descriptor, and
// the caller hears of its result; release comes once, after the last, and no
// one listens to it. So flush is where errors of earlier writes must surface.

import { constants } from 'node:fs'
import type { Logger } from '../../base/log.js'
import type { Attributes, FileSystem, Ino, Name, OpenFile, OpenOptions } from '../../client/file-system.js'
import { type Handle, HandleTable } from './handles.js'
import { openFilesMax } from './limits.js'
import { type Caller, checkName, type Names } from './names.js'

interface Opened {
  readonly file: OpenFile
  readonly writable: boolean
}

export class Files {
  readonly #fileSystem: FileSystem
  readonly #names: Names
  readonly #log: Logger
  readonly #handles = new HandleTable<Opened>(openFilesMax)
  readonly #openCounts = new Map<Ino, number>()
  /** Releases under way. */
  readonly #closing = new Set<Promise<void>>()

  constructor(fileSystem: FileSystem, names: Names, log: Logger) {
    this.#fileSystem = fileSystem
    this.#names = names
    this.#log = log
  }

  get openCount(): number {
    return this.#handles.count
  }

  /** Whether any handle is open on the inode. */
  isOpen(ino: Ino): boolean {
    return this.#openCounts.has(ino)
  }

  /** `flags` as in open(2), of this platform. */
  async open(ino: Ino, flags: number): Promise<Handle> {
    const options = openOptions(flags)
    const { handle } = await this.#handles.add(async () => {
      return { file: await this.#fileSystem.open(ino, options), writable: options.write }
    })
    this.#count(ino, 1)
    return handle
  }

  /** open(2) with O_CREAT, as one step: with O_EXCL among the flags, an entry that is there is ALREADY_EXISTS. */
  async create(parent: Ino, name: Name, mode: number, caller: Caller, flags: number) {
    checkName(name)
    const inode = await this.#names.newInode(parent, mode, caller, 'file')
    const options = { ...openOptions(flags), exclusive: (flags & constants.O_EXCL) !== 0 }
    const { handle, opened } = await this.#handles.add(async () => {
      const { attributes, file } = await this.#fileSystem.create(parent, name, inode, options)
      return { attributes, file, writable: options.write }
    })
    const attributes: Attributes = opened.attributes
    this.#count(attributes.ino, 1)
    return { handle, attributes }
  }

  /** What the handle was opened on, whatever its name is by now. */
  inoOf(handle: Handle): Ino {
    return this.#handles.get(handle).file.ino
  }

  async read(handle: Handle, offset: number, length: number): Promise<readonly Buffer[]> {
    return this.#handles.get(handle).file.read(offset, length)
  }

  /** Has taken (copied) all of `data` when it resolves. */
  async write(handle: Handle, offset: number, data: Buffer): Promise<void> {
    return this.#handles.get(handle).file.write(offset, data)
  }

  /** A reader's close has nothing to report, and doesn't wait for the writers of the file. */
  async flush(handle: Handle): Promise<void> {
    const { file, writable } = this.#handles.get(handle)
    if (writable) await file.flush()
  }

  async sync(handle: Handle): Promise<void> {
    return this.#handles.get(handle).file.sync()
  }

  async release(handle: Handle): Promise<void> {
    return this.#close(this.#handles.remove(handle))
  }

  /** Lets go of every handle; resolves when what they wrote has been flushed, or has failed and been logged. */
  async close(): Promise<void> {
    for (const opened of this.#handles.removeAll()) void this.#close(opened)
    await Promise.all(this.#closing)
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
