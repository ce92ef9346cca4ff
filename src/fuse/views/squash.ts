// Everything as one user's, or one group's (--uid, --gid): for those who have
// other numbers here than where the files were made. What is stored keeps its
// owner; what is made gets the one that is shown.

import { LeasefsError } from '../../base/errors.js'
import type { AttributeChanges, FileSystem } from '../../client/file-system.js'
import { identity, MappedFileSystem } from './mapped-file-system.js'

export interface Owner {
  readonly uid?: number | undefined
  readonly gid?: number | undefined
}

/** The file system with everything owned by `owner`; as it is where that says nothing. */
export function squash(fileSystem: FileSystem, { uid, gid }: Owner): FileSystem {
  if (uid === undefined && gid === undefined) return fileSystem
  const owned = { ...(uid === undefined ? {} : { uid }), ...(gid === undefined ? {} : { gid }) }
  return new MappedFileSystem(fileSystem, {
    ...identity,
    attributes: attributes => ({ ...attributes, ...owned }),
    newInode: inode => ({ ...inode, ...owned }),
    changes: changes => without(changes, owned),
  })
}

/** To give a file to whom it seems to belong changes nothing; to give it to anyone else is not possible. */
function without(changes: AttributeChanges, owned: Owner): AttributeChanges {
  const left = { ...changes }
  for (const id of ['uid', 'gid'] as const) {
    if (owned[id] === undefined || left[id] === undefined) continue
    if (left[id] !== owned[id]) {
      throw new LeasefsError('NOT_PERMITTED', `everything on this mount has the ${id} ${owned[id]}`)
    }
    delete left[id]
  }
  return left
}
