// Extended attributes: which names are taken, and the shapes of getxattr(2)
// and listxattr(2). What may have attributes of which namespace, and who may
// see them, is the kernel's to check.
//
// POSIX ACLs are refused. The kernel would enforce them (FUSE_POSIX_ACL), but
// leaves to the file system what new files inherit of them, the umask, and to
// keep them and the mode bits in step, in one change that all mounts see at
// once. An ACL that is kept and half enforced is worse than none.

import { LeasefsError } from '../../base/errors.js'
import type { Caused, FileSystem, Ino, Name } from '../../client/file-system.js'
import type { Caller } from './names.js'

export interface SetXattrFlags extends Caused {
  readonly createOnly?: boolean
  readonly replaceOnly?: boolean
}

const trustedNamespace = 'trusted.'
const storedNamespaces = ['user.', trustedNamespace, 'security.']

export class Xattrs {
  readonly #fileSystem: FileSystem

  constructor(fileSystem: FileSystem) {
    this.#fileSystem = fileSystem
  }

  /** @throws LeasefsError NO_ATTRIBUTE, NOT_SUPPORTED */
  async get(ino: Ino, name: Name): Promise<Buffer> {
    checkNamespace(name)
    return this.#fileSystem.getXattr(ino, name)
  }

  async set(ino: Ino, name: Name, value: Buffer, flags: SetXattrFlags): Promise<void> {
    checkNamespace(name)
    await this.#fileSystem.setXattr(ino, name, value, flags)
  }

  /** The names, each followed by a NUL, as listxattr(2) has them: those in trusted. are for root's eyes. */
  async list(ino: Ino, { uid }: Pick<Caller, 'uid'>): Promise<Buffer> {
    const all = await this.#fileSystem.listXattrs(ino)
    const names = uid === 0 ? all : all.filter(name => !name.toString('latin1').startsWith(trustedNamespace))
    const end = Buffer.of(0)
    return Buffer.concat(names.flatMap(name => [name, end]))
  }

  async remove(ino: Ino, name: Name, by?: Caused): Promise<void> {
    checkNamespace(name)
    await this.#fileSystem.removeXattr(ino, name, by)
  }
}

/** @throws LeasefsError NOT_SUPPORTED, INVALID_ARGUMENT */
function checkNamespace(name: Name): void {
  const text = name.toString('latin1')
  if (storedNamespaces.includes(text)) throw new LeasefsError('INVALID_ARGUMENT', `${name} is a namespace and no name`)
  if (storedNamespaces.some(namespace => text.startsWith(namespace))) return
  throw new LeasefsError('NOT_SUPPORTED', `the extended attribute ${name} is not stored`)
}
