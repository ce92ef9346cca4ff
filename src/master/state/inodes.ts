// Inodes by number, as StoredInode.

import assert from 'node:assert/strict'
import { LeasefsError } from '../../base/errors.js'
import type { Attributes } from '../../wire/gen/common.js'
import { FileType } from '../../wire/gen/common.js'
import { StoredInode, type StoredTrash } from '../../wire/gen/state.js'
import type { Ino } from '../../wire/ids.js'
import { numberKey } from './keys.js'
import type { StateStore, StateTable } from './state-store.js'
import { decodeStored, encodeStored } from './stored.js'

/** An inode whose attributes are known to be there. */
export interface Inode {
  readonly attributes: Attributes
  /** Of a directory: where it is. 0 for everything else. */
  readonly parent: Ino
  readonly symlinkTarget: Buffer
  /** Of a directory: what it is called there. Empty for everything else, and where it is not known. */
  readonly name: Buffer
  /** Of a file that is in the trash, or will be: see ops/trash.ts. */
  readonly trash: StoredTrash | undefined
}

export class Inodes {
  readonly #table: StateTable

  constructor(store: StateStore) {
    this.#table = store.table('inodes')
  }

  find(ino: number): Inode | undefined {
    const value = this.#table.get(numberKey(ino))
    if (!value) return undefined
    const { attributes, parent, ...rest } = decodeStored(StoredInode, value, `inode ${ino}`)
    if (!attributes) throw new LeasefsError('CORRUPT', `inode ${ino} has no attributes`)
    return { attributes, parent: parent as Ino, ...rest }
  }

  /** @throws LeasefsError NOT_FOUND */
  get(ino: number): Inode {
    const inode = this.find(ino)
    if (!inode) throw new LeasefsError('NOT_FOUND', `no inode ${ino}`)
    return inode
  }

  /** @throws LeasefsError NOT_FOUND, NOT_A_DIRECTORY */
  directory(ino: number): Inode {
    const inode = this.get(ino)
    if (inode.attributes.type !== FileType.DIRECTORY) {
      throw new LeasefsError('NOT_A_DIRECTORY', `inode ${ino} is not a directory`)
    }
    return inode
  }

  /** @throws LeasefsError NOT_FOUND, IS_A_DIRECTORY, INVALID_ARGUMENT (any other type) */
  file(ino: number): Inode {
    const inode = this.get(ino)
    const { type } = inode.attributes
    if (type === FileType.DIRECTORY) throw new LeasefsError('IS_A_DIRECTORY', `inode ${ino} is a directory`)
    if (type !== FileType.REGULAR) throw new LeasefsError('INVALID_ARGUMENT', `inode ${ino} is not a regular file`)
    return inode
  }

  put(inode: Inode): void {
    this.#table.put(numberKey(inode.attributes.ino), encodeStored(StoredInode, inode))
  }

  /** Changes some attributes of an inode that is there. */
  change(ino: number, changes: Partial<Attributes>): Attributes {
    const inode = this.find(ino)
    assert(inode, `inode ${ino} is gone`)
    const attributes = { ...inode.attributes, ...changes }
    this.put({ ...inode, attributes })
    return attributes
  }

  remove(ino: number): void {
    this.#table.remove(numberKey(ino))
  }
}
