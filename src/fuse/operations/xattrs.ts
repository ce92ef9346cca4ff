// Extended attributes: which names are taken, and the shapes of getxattr(2)
// and listxattr(2).
//
// Not stored are POSIX ACLs (the kernel checks mode bits only, so an ACL that
// was kept would be one that nobody enforces) and file capabilities: the
// kernel asks for them before every write(2), and answering here without a
// word to the master is what keeps small writes cheap.

import { LeasefsError } from '../../base/errors.js'
import type { FileSystem, Ino, Name } from '../../client/file-system.js'

export interface SetXattrFlags {
  readonly createOnly?: boolean
  readonly replaceOnly?: boolean
}

const capability = 'security.capability'
const storedNamespaces = ['user.', 'trusted.', 'security.']

export class Xattrs {
  readonly #fileSystem: FileSystem

  constructor(fileSystem: FileSystem) {
    this.#fileSystem = fileSystem
  }

  /** @throws LeasefsError NO_ATTRIBUTE, NOT_SUPPORTED */
  async get(ino: Ino, name: Name): Promise<Buffer> {
    const refused = refusalOf(name)
    if (refused) throw refusalError(refused, name)
    return this.#fileSystem.getXattr(ino, name)
  }

  async set(ino: Ino, name: Name, value: Buffer, flags: SetXattrFlags): Promise<void> {
    if (refusalOf(name)) throw refusalError('NOT_SUPPORTED', name)
    await this.#fileSystem.setXattr(ino, name, value, flags)
  }

  /** The names, each followed by a NUL, as listxattr(2) has them. */
  async list(ino: Ino): Promise<Buffer> {
    const names = await this.#fileSystem.listXattrs(ino)
    const end = Buffer.of(0)
    return Buffer.concat(names.flatMap(name => [name, end]))
  }

  async remove(ino: Ino, name: Name): Promise<void> {
    const refused = refusalOf(name)
    if (refused) throw refusalError(refused, name)
    await this.#fileSystem.removeXattr(ino, name)
  }
}

/**
 * What is answered for a name that is not stored, whatever the file is;
 * undefined for the others. A code and not an error to throw: it is asked for
 * with every write.
 */
export function refusalOf(name: Name): 'NO_ATTRIBUTE' | 'NOT_SUPPORTED' | undefined {
  const text = name.toString('latin1')
  if (text === capability) return 'NO_ATTRIBUTE'
  return storedNamespaces.some(namespace => text.startsWith(namespace)) ? undefined : 'NOT_SUPPORTED'
}

function refusalError(code: 'NO_ATTRIBUTE' | 'NOT_SUPPORTED', name: Name): LeasefsError {
  return new LeasefsError(code, `the extended attribute ${name} is not stored`)
}
