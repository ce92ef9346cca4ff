// The path API: a cluster's file system in the shape of Node's fs.promises.

import { LeasefsError } from '../base/errors.js'
import { type Encoding, FileHandle } from './file-handle.js'
import type { Attributes, FileSystem, NewInode, Statistics } from './file-system.js'
import { type OpenFlags, parseOpenFlags } from './open-flags.js'
import { find, findPlace, findTarget } from './path-walk.js'
import { DirectoryEntry, Stats, timestampFrom } from './stats.js'

/** Who owns what a client makes. */
export interface Owner {
  readonly uid: number
  readonly gid: number
  /** Permission bits that new files and directories do not get. */
  readonly umask: number
}

/**
 * A cluster's files, by path. Paths start at the root of the file system.
 *
 * Every method rejects with a LeasefsError: decide by its `code` (NOT_FOUND, ALREADY_EXISTS,
 * NOT_A_DIRECTORY, NOT_EMPTY, NO_SPACE, IO, TIMEOUT, …). Mode bits are stored and shown, and not
 * enforced: whoever may connect may do everything.
 */
export class Client {
  readonly #fileSystem: FileSystem
  readonly #owner: Owner

  /** @internal Use connect(). */
  constructor(fileSystem: FileSystem, owner: Owner) {
    this.#fileSystem = fileSystem
    this.#owner = owner
  }

  /** Opens a file; flags as in Node's fs ("r", "r+", "w", "wx", "a", …). */
  async open(path: string, flags = 'r', mode = 0o666): Promise<FileHandle> {
    const options = parseOpenFlags(flags)
    if (!options.create) {
      const { ino } = await find(this.#fileSystem, path, true)
      return new FileHandle(this.#fileSystem, await this.#fileSystem.open(ino, options))
    }
    return this.#create(path, options, mode)
  }

  readFile(path: string): Promise<Buffer>
  readFile(path: string, encoding: Encoding): Promise<string>
  async readFile(path: string, encoding?: Encoding): Promise<Buffer | string> {
    await using file = await this.open(path)
    return encoding ? await file.readFile(encoding) : await file.readFile()
  }

  /** Replaces the file, or makes it. When it resolves all replicas have the bytes; on their disks they are after sync(). */
  async writeFile(
    path: string,
    data: string | Uint8Array,
    options: { flag?: string; mode?: number } = {},
  ): Promise<void> {
    const file = await this.open(path, options.flag ?? 'w', options.mode)
    try {
      await file.writeFile(data)
    } finally {
      await file.close()
    }
  }

  appendFile(path: string, data: string | Uint8Array, options: { mode?: number } = {}): Promise<void> {
    return this.writeFile(path, data, { ...options, flag: 'a' })
  }

  /** With `recursive`, also the directories above, and no error if it is there. */
  async mkdir(path: string, options: { recursive?: boolean; mode?: number } = {}): Promise<void> {
    const mode = options.mode ?? 0o777
    if (!options.recursive) return this.#makeDirectory(path, mode)
    const names = path.split('/').filter(name => name !== '')
    for (let depth = 1; depth <= names.length; depth++) {
      const above = names.slice(0, depth).join('/')
      const there = await find(this.#fileSystem, above, true).catch(notFound)
      if (there?.kind === 'directory') continue
      if (there) throw new LeasefsError(depth === names.length ? 'ALREADY_EXISTS' : 'NOT_A_DIRECTORY', above)
      await this.#makeDirectory(above, mode).catch(alreadyExists)
    }
  }

  /** Names in byte order, without "." and "..". */
  readdir(path: string): Promise<string[]>
  readdir(path: string, options: { withFileTypes: true }): Promise<DirectoryEntry[]>
  async readdir(path: string, options?: { withFileTypes: true }): Promise<string[] | DirectoryEntry[]> {
    const { ino } = await find(this.#fileSystem, path, true)
    const { entries } = await this.#fileSystem.readDirectory(ino)
    if (!options) return entries.map(({ name }) => name.toString())
    return entries.map(({ name, attributes }) => new DirectoryEntry(name.toString(), path, attributes.kind))
  }

  /** Atomic; replaces what `to` names, if POSIX allows it. */
  async rename(from: string, to: string): Promise<void> {
    const source = await findPlace(this.#fileSystem, from)
    const target = await findPlace(this.#fileSystem, to)
    await this.#fileSystem.rename(source.parent, source.name, target.parent, target.name)
  }

  /** Removes a file; with `recursive` also a directory with all that is in it; with `force` no error if there is nothing. */
  async rm(path: string, options: { recursive?: boolean; force?: boolean } = {}): Promise<void> {
    const there = await find(this.#fileSystem, path, false).catch(options.force ? notFound : rethrow)
    if (!there) return
    if (there.kind !== 'directory') return this.unlink(path)
    if (!options.recursive) throw new LeasefsError('IS_A_DIRECTORY', `${path} is a directory`)
    await this.#removeTree(path)
  }

  /** Removes an empty directory. */
  async rmdir(path: string): Promise<void> {
    const { parent, name } = await findPlace(this.#fileSystem, path)
    await this.#fileSystem.removeDirectory(parent, name)
  }

  /** Removes anything but a directory. Who has it open keeps it. */
  async unlink(path: string): Promise<void> {
    const { parent, name } = await findPlace(this.#fileSystem, path)
    await this.#fileSystem.unlink(parent, name)
  }

  async stat(path: string): Promise<Stats> {
    return new Stats(await find(this.#fileSystem, path, true))
  }

  /** As stat(), of a symbolic link itself. */
  async lstat(path: string): Promise<Stats> {
    return new Stats(await find(this.#fileSystem, path, false))
  }

  /** Rejects with NOT_FOUND if there is nothing. */
  async access(path: string): Promise<void> {
    await find(this.#fileSystem, path, true)
  }

  async exists(path: string): Promise<boolean> {
    return (await find(this.#fileSystem, path, true).catch(notFound)) !== undefined
  }

  async symlink(target: string, path: string): Promise<void> {
    const { parent, name } = await findPlace(this.#fileSystem, path)
    await this.#fileSystem.makeSymlink(parent, name, Buffer.from(target), this.#newInode(0o777, 0))
  }

  async readlink(path: string): Promise<string> {
    const { ino, kind } = await find(this.#fileSystem, path, false)
    if (kind !== 'symlink') throw new LeasefsError('INVALID_ARGUMENT', `${path} is not a symbolic link`)
    return (await this.#fileSystem.readSymlink(ino)).toString()
  }

  /** A second name for what `existing` names. */
  async link(existing: string, path: string): Promise<void> {
    const { ino } = await find(this.#fileSystem, existing, false)
    const { parent, name } = await findPlace(this.#fileSystem, path)
    await this.#fileSystem.link(ino, parent, name)
  }

  async chmod(path: string, mode: number): Promise<void> {
    const { ino } = await find(this.#fileSystem, path, true)
    await this.#fileSystem.setAttributes(ino, { mode: mode & 0o7777 })
  }

  async chown(path: string, uid: number, gid: number): Promise<void> {
    const { ino } = await find(this.#fileSystem, path, true)
    await this.#fileSystem.setAttributes(ino, { uid, gid })
  }

  /** Times as Dates, or as seconds since the epoch. */
  async utimes(path: string, atime: Date | number, mtime: Date | number): Promise<void> {
    const { ino } = await find(this.#fileSystem, path, true)
    await this.#fileSystem.setAttributes(ino, { atime: timestampFrom(atime), mtime: timestampFrom(mtime) })
  }

  async truncate(path: string, length = 0): Promise<void> {
    const { ino } = await find(this.#fileSystem, path, true)
    await this.#fileSystem.setAttributes(ino, { size: length })
  }

  /** Space of the whole cluster, counted in what users can store at the default goal. */
  statfs(): Promise<Statistics> {
    return this.#fileSystem.statistics()
  }

  /** Pushes everything dirty and ends the session. Rejects if something that was written could not be stored. */
  close(): Promise<void> {
    return this.#fileSystem.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #create(path: string, options: OpenFlags, mode: number): Promise<FileHandle> {
    const { place, attributes } = options.exclusive
      ? { place: await findPlace(this.#fileSystem, path), attributes: undefined }
      : await findTarget(this.#fileSystem, path)
    if (attributes) return new FileHandle(this.#fileSystem, await this.#fileSystem.open(attributes.ino, options))
    if (!place) throw new LeasefsError('IS_A_DIRECTORY', `${path} is a directory`)
    const { file } = await this.#fileSystem.create(place.parent, place.name, this.#newInode(mode), options)
    return new FileHandle(this.#fileSystem, file)
  }

  async #makeDirectory(path: string, mode: number): Promise<void> {
    const { parent, name } = await findPlace(this.#fileSystem, path)
    await this.#fileSystem.makeDirectory(parent, name, this.#newInode(mode))
  }

  async #removeTree(path: string): Promise<void> {
    for (const entry of await this.readdir(path, { withFileTypes: true })) {
      const child = `${path}/${entry.name}`
      if (entry.isDirectory()) await this.#removeTree(child)
      else await this.unlink(child)
    }
    await this.rmdir(path)
  }

  #newInode(mode: number, umask = this.#owner.umask): NewInode {
    return { mode: mode & 0o7777 & ~umask, uid: this.#owner.uid, gid: this.#owner.gid }
  }
}

function notFound(reason: unknown): Attributes | undefined {
  if (reason instanceof LeasefsError && reason.code === 'NOT_FOUND') return undefined
  throw reason
}

function alreadyExists(reason: unknown): void {
  if (!(reason instanceof LeasefsError && reason.code === 'ALREADY_EXISTS')) throw reason
}

function rethrow(reason: unknown): never {
  throw reason
}
