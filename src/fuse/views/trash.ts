// The trash as a directory in the root of the mount that no listing shows
// (docs/OPERATING.md, "Deleted files"). The master keeps it, with a directory for
// each owner; all there is to do here is to let its name lead there.
//
// A cluster may have an entry of that name in its root: that is left alone. The
// trash then goes by its other name.

import { LeasefsError } from '../../base/errors.js'
import type { Attributes, Caused, FileSystem, Ino, Name } from '../../client/file-system.js'
import { rootIno, trashIno } from '../../constants.js'
import { identity, MappedFileSystem } from './mapped-file-system.js'

const root = rootIno as Ino
const names = ['.trash', '.leasefs-trash'].map(name => Buffer.from(name))

/** The file system with its trash as `.trash` in the root. */
export class TrashView extends MappedFileSystem {
  readonly #inner: FileSystem

  constructor(inner: FileSystem) {
    super(inner, identity)
    this.#inner = inner
  }

  override async lookup(parent: Ino, name: Name): Promise<Attributes> {
    try {
      return await this.#inner.lookup(parent, name)
    } catch (reason) {
      if (!isReserved(parent, name) || LeasefsError.from(reason).code !== 'NOT_FOUND') throw reason
      return await this.#inner.getAttributes(trashIno as Ino)
    }
  }

  override async resolve(base: Ino, path: readonly Name[]): Promise<readonly Attributes[]> {
    const [first, ...rest] = path
    if (!first || !isReserved(base, first)) return this.#inner.resolve(base, path)
    const attributes = await this.lookup(base, first)
    return [attributes, ...(await this.#inner.resolve(attributes.ino, rest))]
  }

  override async removeDirectory(parent: Ino, name: Name, by?: Caused): Promise<void> {
    await this.#checkIsOwn(parent, name)
    await super.removeDirectory(parent, name, by)
  }

  override async rename(...arguments_: Parameters<FileSystem['rename']>): Promise<void> {
    const [parent, name, newParent, newName] = arguments_
    await this.#checkIsOwn(parent, name)
    await this.#checkIsOwn(newParent, newName)
    await super.rename(...arguments_)
  }

  /** @throws LeasefsError NOT_PERMITTED: the name leads to the trash */
  async #checkIsOwn(parent: Ino, name: Name): Promise<void> {
    if (!isReserved(parent, name)) return
    const { ino } = await this.lookup(parent, name)
    if (ino === trashIno) throw new LeasefsError('NOT_PERMITTED', `"${name}" is the trash`)
  }
}

function isReserved(parent: Ino, name: Name): boolean {
  return parent === root && names.some(reserved => reserved.equals(name))
}
