// Taking a name away: unlink of anything but a directory, rmdir of an empty one.

import { LeasefsError } from '../../base/errors.js'
import type { RemoveDirectory, Unlink } from '../../wire/gen/client.js'
import type { EntryRemoved } from '../../wire/gen/state.js'
import type { Ino } from '../../wire/ids.js'
import type { Inode } from '../state/inodes.js'
import type { State } from '../state/state.js'
import { dropLink, entriesChanged } from './inode-life.js'
import { checkName } from './names.js'
import {
  type ApplyContext,
  type CheckContext,
  change,
  type Decision,
  doneResult,
  isDirectory,
  type Outcome,
} from './operation.js'
import { checkNotInTrash, deletionOf, isTrashed, leaveTrash, pathOf } from './trash.js'

/** @throws LeasefsError NOT_FOUND, NOT_A_DIRECTORY (the parent), IS_A_DIRECTORY, and for the name */
export function checkUnlink(state: State, { parent, name, uid }: Unlink, { trash }: CheckContext): Decision {
  const inode = entry(state, parent, name)
  const { ino } = inode.attributes
  if (isDirectory(inode.attributes))
    throw new LeasefsError('IS_A_DIRECTORY', `${JSON.stringify(String(name))} is a directory`)
  return change({ $case: 'entryRemoved', value: { parent, name, ino, deletion: deletionOf(inode, trash, uid) } })
}

/** @throws LeasefsError NOT_FOUND, NOT_A_DIRECTORY, NOT_EMPTY, NOT_PERMITTED (of the trash), and for the name */
export function checkRemoveDirectory(state: State, { parent, name }: RemoveDirectory): Decision {
  const inode = entry(state, parent, name)
  const { ino } = inode.attributes
  if (!isDirectory(inode.attributes))
    throw new LeasefsError('NOT_A_DIRECTORY', `${JSON.stringify(String(name))} is not a directory`)
  checkNotInTrash(inode)
  if (!state.dentries.isEmpty(ino)) throw new LeasefsError('NOT_EMPTY', `directory ${ino} has entries`)
  return change({ $case: 'entryRemoved', value: { parent, name, ino, deletion: undefined } })
}

export function applyEntryRemoved(state: State, removed: EntryRemoved, { now }: ApplyContext): Outcome {
  const { parent, name, ino, deletion } = removed
  const inode = state.inodes.get(ino)
  const directory = isDirectory(inode.attributes)
  if (isTrashed(inode)) leaveTrash(state, inode)
  state.dentries.remove(parent, name)
  entriesChanged(state, parent, directory ? -1 : 0, now)
  const released = dropLink(state, ino, now, deletion && { path: pathOf(state, parent, name), deletion })
  return { result: doneResult, touched: [parent as Ino, ino as Ino], ...released }
}

function entry(state: State, parent: number, name: Buffer): Inode {
  checkName(name)
  state.inodes.directory(parent)
  return state.inodes.get(state.dentries.get(parent, name))
}
