// Taking a name away: unlink of anything but a directory, rmdir of an empty one.

import { LeasefsError } from '../../base/errors.js'
import type { RemoveDirectory, Unlink } from '../../wire/gen/client.js'
import type { EntryRemoved } from '../../wire/gen/state.js'
import type { Ino } from '../../wire/ids.js'
import type { State } from '../state/state.js'
import { dropLink, entriesChanged } from './inode-life.js'
import { checkName } from './names.js'
import { type ApplyContext, change, type Decision, doneResult, isDirectory, type Outcome } from './operation.js'

/** @throws LeasefsError NOT_FOUND, NOT_A_DIRECTORY (the parent), IS_A_DIRECTORY, and for the name */
export function checkUnlink(state: State, { parent, name }: Unlink): Decision {
  const { ino, directory } = entry(state, parent, name)
  if (directory) throw new LeasefsError('IS_A_DIRECTORY', `${JSON.stringify(String(name))} is a directory`)
  return change({ $case: 'entryRemoved', value: { parent, name, ino } })
}

/** @throws LeasefsError NOT_FOUND, NOT_A_DIRECTORY, NOT_EMPTY, and for the name */
export function checkRemoveDirectory(state: State, { parent, name }: RemoveDirectory): Decision {
  const { ino, directory } = entry(state, parent, name)
  if (!directory) throw new LeasefsError('NOT_A_DIRECTORY', `${JSON.stringify(String(name))} is not a directory`)
  if (!state.dentries.isEmpty(ino)) throw new LeasefsError('NOT_EMPTY', `directory ${ino} has entries`)
  return change({ $case: 'entryRemoved', value: { parent, name, ino } })
}

export function applyEntryRemoved(state: State, { parent, name, ino }: EntryRemoved, { now }: ApplyContext): Outcome {
  const directory = isDirectory(state.inodes.get(ino).attributes)
  state.dentries.remove(parent, name)
  entriesChanged(state, parent, directory ? -1 : 0, now)
  const freed = dropLink(state, ino, now)
  return { result: doneResult, touched: [parent as Ino, ino as Ino], freed }
}

function entry(state: State, parent: number, name: Buffer): { readonly ino: Ino; readonly directory: boolean } {
  checkName(name)
  state.inodes.directory(parent)
  const ino = state.dentries.get(parent, name)
  return { ino, directory: isDirectory(state.inodes.get(ino).attributes) }
}
