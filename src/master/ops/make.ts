// Making a file, directory, symlink or special file. A regular file may be
// there already unless O_EXCL was asked for, and is opened in the same step.

import { LeasefsError } from '../../base/errors.js'
import { linkCountMax } from '../../constants.js'
import type { Make } from '../../wire/gen/client.js'
import { type Attributes, FileType } from '../../wire/gen/common.js'
import type { InodeMade } from '../../wire/gen/state.js'
import type { Ino } from '../../wire/ids.js'
import type { Inode } from '../state/inodes.js'
import type { State } from '../state/state.js'
import { entriesChanged } from './inode-life.js'
import { checkName, checkSymlinkTarget } from './names.js'
import { checkOpen } from './open.js'
import {
  type ApplyContext,
  answer,
  attributesResult,
  type CheckContext,
  change,
  type Decision,
  isDirectory,
  type Outcome,
} from './operation.js'
import { checkNotInTrash, inoAfter } from './trash.js'

const setgid = 0o2000

const makeable: readonly FileType[] = [
  FileType.REGULAR,
  FileType.DIRECTORY,
  FileType.SYMLINK,
  FileType.FIFO,
  FileType.SOCKET,
  FileType.CHARACTER_DEVICE,
  FileType.BLOCK_DEVICE,
]

/** @throws LeasefsError NOT_FOUND, NOT_A_DIRECTORY, ALREADY_EXISTS, IS_A_DIRECTORY, TOO_MANY_LINKS, NOT_PERMITTED (in the trash), INVALID_ARGUMENT, NAME_TOO_LONG */
export function checkMake(state: State, request: Make, context: CheckContext): Decision {
  checkName(request.name)
  if (!makeable.includes(request.type)) throw new LeasefsError('INVALID_ARGUMENT', `no file type ${request.type}`)
  if (request.type === FileType.SYMLINK) checkSymlinkTarget(request.symlinkTarget)
  const parent = liveDirectory(state, request.parent)

  const existing = state.dentries.find(request.parent, request.name)
  if (existing !== undefined) return checkExisting(state, request, existing, context)
  if (request.type === FileType.DIRECTORY) checkSubdirectory(parent)

  return change({
    $case: 'inodeMade',
    value: {
      parent: request.parent,
      name: request.name,
      attributes: newAttributes(state, request, parent.attributes, context),
      symlinkTarget: request.type === FileType.SYMLINK ? request.symlinkTarget : Buffer.alloc(0),
      open: request.open && request.type === FileType.REGULAR,
    },
  })
}

export function applyInodeMade(state: State, made: InodeMade, { now, session }: ApplyContext): Outcome {
  const attributes = made.attributes as Attributes
  const directory = isDirectory(attributes)
  state.inodes.put({
    attributes,
    parent: (directory ? made.parent : 0) as Ino,
    symlinkTarget: made.symlinkTarget,
    name: directory ? made.name : Buffer.alloc(0),
    trash: undefined,
  })
  state.dentries.put(made.parent, made.name, attributes.ino)
  entriesChanged(state, made.parent, directory ? 1 : 0, now)
  if (made.open) state.opens.add(session, attributes.ino)
  const { inodeCount } = state.meta.current
  state.meta.change({ nextIno: inoAfter(attributes.ino), inodeCount: inodeCount + 1 })
  return { result: { $case: 'attributes', value: attributes }, touched: [made.parent as Ino], freed: [] }
}

/** A directory that takes new entries: it has not been removed, and is not of the trash. @throws LeasefsError NOT_FOUND, NOT_A_DIRECTORY, NOT_PERMITTED */
export function liveDirectory(state: State, ino: number): Inode {
  const directory = state.inodes.directory(ino)
  if (directory.attributes.nlink === 0) throw new LeasefsError('NOT_FOUND', `directory ${ino} has been removed`)
  checkNotInTrash(directory)
  return directory
}

/** That the directory may have one more: the entry ".." of each is a link to it. @throws LeasefsError TOO_MANY_LINKS */
export function checkSubdirectory({ attributes: { ino, nlink } }: Inode): void {
  if (nlink >= linkCountMax) throw new LeasefsError('TOO_MANY_LINKS', `directory ${ino} has ${nlink} links`)
}

function checkExisting(state: State, request: Make, ino: Ino, context: CheckContext): Decision {
  const { type } = state.inodes.get(ino).attributes
  if (request.type !== FileType.REGULAR || request.exclusive) throw alreadyExists(request)
  if (type === FileType.DIRECTORY) throw new LeasefsError('IS_A_DIRECTORY', `${name(request)} is a directory`)
  if (type !== FileType.REGULAR) throw alreadyExists(request)
  return request.open ? checkOpen(state, { ino }, context) : answer(attributesResult(state, ino))
}

function newAttributes(state: State, request: Make, parent: Attributes, { now, goal }: CheckContext): Attributes {
  const { type } = request
  const directory = type === FileType.DIRECTORY
  const inherits = (parent.mode & setgid) !== 0
  const permissions = type === FileType.SYMLINK ? 0o777 : request.mode & 0o7777
  const device = type === FileType.CHARACTER_DEVICE || type === FileType.BLOCK_DEVICE
  return {
    ino: state.meta.current.nextIno,
    type,
    mode: directory && inherits ? permissions | setgid : permissions,
    uid: request.uid,
    gid: inherits ? parent.gid : request.gid,
    nlink: directory ? 2 : 1,
    size: type === FileType.SYMLINK ? request.symlinkTarget.length : 0,
    atime: now,
    mtime: now,
    ctime: now,
    rdev: device ? request.rdev : 0,
    goal: directory ? parent.goal : parent.goal || goal,
    allocatedBytes: 0,
  }
}

function alreadyExists(request: Make): LeasefsError {
  return new LeasefsError('ALREADY_EXISTS', `${name(request)} exists`)
}

function name({ parent, name }: Make): string {
  return `${JSON.stringify(String(name))} in inode ${parent}`
}
