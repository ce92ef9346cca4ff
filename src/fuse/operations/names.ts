// What makes, moves and removes directory entries.
//
// The kernel has checked permissions (default_permissions) and applied the
// umask before an operation comes here. What is left to a file system: who
// owns a new inode, the set-group-id rule of directories, and the names it
// takes.

import { LeasefsError } from '../../base/errors.js'
import type {
  Attributes,
  Caused,
  Deleter,
  FileKind,
  FileSystem,
  Ino,
  Name,
  NewInode,
} from '../../client/file-system.js'
import { nameLengthMax } from '../../constants.js'
import type { AccessTimes } from './access-times.js'

/** On whose behalf an inode is made. */
export interface Caller extends Caused {
  readonly uid: number
  readonly gid: number
}

export interface RenameFlags extends Deleter {
  readonly noReplace?: boolean
  readonly exchange?: boolean
}

const setGroupId = 0o2000
const slash = 0x2f

export class Names {
  readonly #fileSystem: FileSystem
  readonly #accessTimes: AccessTimes

  constructor(fileSystem: FileSystem, accessTimes: AccessTimes) {
    this.#fileSystem = fileSystem
    this.#accessTimes = accessTimes
  }

  async lookup(parent: Ino, name: Name): Promise<Attributes> {
    checkName(name)
    return this.#fileSystem.lookup(parent, name)
  }

  async makeDirectory(parent: Ino, name: Name, mode: number, caller: Caller): Promise<Attributes> {
    checkName(name)
    const inode = await this.newInode(parent, mode, caller, 'directory')
    return this.#fileSystem.makeDirectory(parent, name, inode)
  }

  /** A fifo, socket or device, or an empty file that stays closed. */
  async makeNode(parent: Ino, name: Name, kind: FileKind, mode: number, rdev: number, caller: Caller) {
    checkName(name)
    const inode = await this.newInode(parent, mode, caller, kind)
    return this.#fileSystem.makeNode(parent, name, kind, rdev, inode)
  }

  async makeSymlink(parent: Ino, name: Name, target: Buffer, caller: Caller): Promise<Attributes> {
    checkName(name)
    const inode = await this.newInode(parent, 0o777, caller, 'symlink')
    return this.#fileSystem.makeSymlink(parent, name, target, inode)
  }

  async readSymlink(ino: Ino): Promise<Buffer> {
    const target = await this.#fileSystem.readSymlink(ino)
    this.#accessTimes.read(ino)
    return target
  }

  async link(ino: Ino, parent: Ino, name: Name, by?: Caused): Promise<Attributes> {
    checkName(name)
    return this.#fileSystem.link(ino, parent, name, by)
  }

  /** An inode that is open lives on, without a name, until its last handle is released. */
  async unlink(parent: Ino, name: Name, by?: Deleter): Promise<void> {
    checkName(name)
    return this.#fileSystem.unlink(parent, name, by)
  }

  async removeDirectory(parent: Ino, name: Name, by?: Caused): Promise<void> {
    checkName(name)
    return this.#fileSystem.removeDirectory(parent, name, by)
  }

  async rename(parent: Ino, name: Name, newParent: Ino, newName: Name, flags: RenameFlags = {}): Promise<void> {
    checkName(name)
    checkName(newName)
    await this.#fileSystem.rename(parent, name, newParent, newName, flags)
  }

  /**
   * In a directory that is set-group-id, what is made belongs to the group of
   * the directory, and directories carry the bit on.
   */
  async newInode(parent: Ino, mode: number, caller: Caller, kind: FileKind): Promise<NewInode> {
    const directory = await this.#fileSystem.getAttributes(parent)
    const permissions = mode & 0o7777
    const { uid, gid, cause } = caller
    if (!(directory.mode & setGroupId)) return { mode: permissions, uid, gid, cause }
    const inherited = kind === 'directory' ? permissions | setGroupId : permissions
    return { mode: inherited, uid, gid: directory.gid, cause }
  }
}

/**
 * The kernel passes names of up to 1024 bytes.
 *
 * @throws LeasefsError NAME_TOO_LONG, INVALID_ARGUMENT
 */
export function checkName(name: Name): void {
  if (name.length > nameLengthMax) {
    throw new LeasefsError('NAME_TOO_LONG', `a name of ${name.length} bytes, and ${nameLengthMax} is the most`)
  }
  const dots = name.length <= 2 && name.every(byte => byte === 0x2e)
  if (dots || name.includes(slash) || name.includes(0)) {
    throw new LeasefsError('INVALID_ARGUMENT', `"${name}" can't name an entry`)
  }
}
