// Moving a name, over anything POSIX allows, or exchanging two: one record, so
// it happens whole or not at all.

import { LeasefsError } from '../../base/errors.js'
import { rootIno } from '../../constants.js'
import type { Rename } from '../../wire/gen/client.js'
import type { Attributes } from '../../wire/gen/common.js'
import type { EntryMoved } from '../../wire/gen/state.js'
import type { Ino } from '../../wire/ids.js'
import type { State } from '../state/state.js'
import { dropLink, entriesChanged, type Released } from './inode-life.js'
import { checkSubdirectory, liveDirectory } from './make.js'
import { checkName } from './names.js'
import {
  type ApplyContext,
  answer,
  type CheckContext,
  change,
  type Decision,
  doneResult,
  isDirectory,
  type Outcome,
} from './operation.js'
import { checkNotInTrash, deletionOf, isTrashDirectory, isTrashed, leaveTrash, pathOf } from './trash.js'

/**
 * @throws LeasefsError NOT_FOUND, NOT_A_DIRECTORY, IS_A_DIRECTORY, NOT_EMPTY, ALREADY_EXISTS (no_replace),
 *   INVALID_ARGUMENT (into its own tree, or both flags), TOO_MANY_LINKS (subdirectories), NOT_PERMITTED (the trash), and for the names
 */
export function checkRename(state: State, request: Rename, { trash }: CheckContext): Decision {
  const { parent, name, newParent, newName, noReplace, exchange, uid } = request
  checkName(name)
  checkName(newName)
  if (noReplace && exchange) throw new LeasefsError('INVALID_ARGUMENT', 'no_replace and exchange together')
  const from = state.inodes.directory(parent)
  if (from.attributes.nlink === 0) throw new LeasefsError('NOT_FOUND', `directory ${parent} has been removed`)
  liveDirectory(state, newParent)

  const source = state.inodes.get(state.dentries.get(parent, name)).attributes
  // A file is taken out of the trash so; its directories stay, and nothing is put in.
  if (isTrashDirectory(from) && (exchange || isDirectory(source))) checkNotInTrash(from)
  const targetIno = exchange ? state.dentries.get(newParent, newName) : state.dentries.find(newParent, newName)
  if (noReplace && targetIno !== undefined) {
    throw new LeasefsError('ALREADY_EXISTS', `${JSON.stringify(String(newName))} exists in inode ${newParent}`)
  }
  // Two names of one inode: POSIX has rename do nothing.
  if (targetIno === source.ino) return answer(doneResult)

  if (isWithin(state, newParent, source)) throw ownTree(source)
  const replaced = targetIno === undefined ? undefined : state.inodes.get(targetIno)
  const target = replaced?.attributes
  if (target) {
    const upward = isWithin(state, parent, target)
    if (upward && exchange) throw ownTree(target)
    if (upward) throw new LeasefsError('NOT_EMPTY', `directory ${target.ino} has what is to replace it`)
    if (!exchange) checkReplace(state, source, target)
  }
  if (parent !== newParent) checkSubdirectories(state, request, source, target)
  const deletion = replaced && !exchange ? deletionOf(replaced, trash, uid) : undefined
  return change({ $case: 'entryMoved', value: { parent, name, newParent, newName, exchange, deletion } })
}

export function applyEntryMoved(state: State, moved: EntryMoved, { now }: ApplyContext): Outcome {
  const { parent, name, newParent, newName, exchange, deletion } = moved
  const source = state.dentries.get(parent, name)
  const target = state.dentries.find(newParent, newName)
  const directories = [directoryCount(state, source), target === undefined ? 0 : directoryCount(state, target)] as const

  const restored = state.inodes.get(source)
  if (isTrashed(restored)) leaveTrash(state, restored)
  let released: Released | undefined
  if (exchange && target !== undefined) place(state, target, parent, name, now)
  else {
    state.dentries.remove(parent, name)
    const deleted = deletion && { path: pathOf(state, newParent, newName), deletion }
    if (target !== undefined) released = dropLink(state, target, now, deleted)
  }
  place(state, source, newParent, newName, now)

  const [moving, met] = directories
  entriesChanged(state, parent, (exchange ? met : 0) - moving, now)
  entriesChanged(state, newParent, moving - met, now)
  const touched = [parent, newParent, source, ...(target === undefined ? [] : [target])] as Ino[]
  return { result: doneResult, touched, freed: [], ...released }
}

/** Puts an inode under a name, and tells a directory where it is. */
function place(state: State, ino: number, parent: number, name: Buffer, now: Attributes['ctime']): void {
  state.dentries.put(parent, name, ino)
  const inode = state.inodes.get(ino)
  state.inodes.put({
    ...inode,
    attributes: { ...inode.attributes, ctime: now },
    parent: (isDirectory(inode.attributes) ? parent : 0) as Ino,
    name: isDirectory(inode.attributes) ? name : Buffer.alloc(0),
  })
}

function directoryCount(state: State, ino: number): 0 | 1 {
  return isDirectory(state.inodes.get(ino).attributes) ? 1 : 0
}

function checkReplace(state: State, source: Attributes, target: Attributes): void {
  if (isDirectory(source) && !isDirectory(target)) {
    throw new LeasefsError('NOT_A_DIRECTORY', `inode ${target.ino} is not a directory, inode ${source.ino} is`)
  }
  if (!isDirectory(source) && isDirectory(target)) {
    throw new LeasefsError('IS_A_DIRECTORY', `inode ${target.ino} is a directory, inode ${source.ino} is not`)
  }
  if (isDirectory(target) && !state.dentries.isEmpty(target.ino)) {
    throw new LeasefsError('NOT_EMPTY', `directory ${target.ino} has entries`)
  }
}

/** A directory that gets one more subdirectory has room for it. */
function checkSubdirectories(state: State, request: Rename, source: Attributes, target: Attributes | undefined): void {
  const { parent, newParent, exchange } = request
  const [moving, met] = [isDirectory(source), target !== undefined && isDirectory(target)]
  if (moving && !met) checkSubdirectory(state.inodes.get(newParent))
  if (exchange && met && !moving) checkSubdirectory(state.inodes.get(parent))
}

/** Whether the directory `at` is `ancestor`, or lies somewhere in it. */
function isWithin(state: State, at: number, ancestor: Attributes): boolean {
  if (!isDirectory(ancestor)) return false
  for (let next = at; ; next = state.inodes.get(next).parent) {
    if (next === ancestor.ino) return true
    if (next === rootIno) return false
  }
}

/** A directory may not come to lie within itself. */
function ownTree({ ino }: Attributes): LeasefsError {
  return new LeasefsError('INVALID_ARGUMENT', `inode ${ino} cannot move into its own tree`)
}
