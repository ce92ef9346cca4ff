// A further name for an inode.

import { LeasefsError } from '../../base/errors.js'
import { linkCountMax } from '../../constants.js'
import type { Link } from '../../wire/gen/client.js'
import type { EntryLinked } from '../../wire/gen/state.js'
import type { Ino } from '../../wire/ids.js'
import type { State } from '../state/state.js'
import { entriesChanged } from './inode-life.js'
import { liveDirectory } from './make.js'
import { checkName } from './names.js'
import { type ApplyContext, attributesResult, change, type Decision, isDirectory, type Outcome } from './operation.js'
import { checkNotInTrash } from './trash.js'

/** @throws LeasefsError NOT_FOUND, NOT_A_DIRECTORY, ALREADY_EXISTS, NOT_PERMITTED (a directory, the trash), TOO_MANY_LINKS, and for the name */
export function checkLink(state: State, { ino, parent, name }: Link): Decision {
  checkName(name)
  liveDirectory(state, parent)
  const inode = state.inodes.get(ino)
  const { attributes } = inode
  if (state.dentries.find(parent, name) !== undefined) {
    throw new LeasefsError('ALREADY_EXISTS', `${JSON.stringify(String(name))} exists in inode ${parent}`)
  }
  if (isDirectory(attributes)) throw new LeasefsError('NOT_PERMITTED', `inode ${ino} is a directory`)
  checkNotInTrash(inode)
  if (attributes.nlink === 0) throw new LeasefsError('NOT_FOUND', `inode ${ino} has no name any more`)
  if (attributes.nlink >= linkCountMax) throw new LeasefsError('TOO_MANY_LINKS', `inode ${ino} has ${attributes.nlink}`)
  return change({ $case: 'entryLinked', value: { ino, parent, name } })
}

export function applyEntryLinked(state: State, { ino, parent, name }: EntryLinked, { now }: ApplyContext): Outcome {
  const { nlink } = state.inodes.get(ino).attributes
  state.dentries.put(parent, name, ino)
  state.inodes.change(ino, { nlink: nlink + 1, ctime: now })
  entriesChanged(state, parent, 0, now)
  return { result: attributesResult(state, ino), touched: [parent as Ino, ino as Ino], freed: [] }
}
