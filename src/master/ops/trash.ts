// The trash: deleted files, kept for a while in a tree of directories of its
// own. Its root (`trashIno`) has a directory for each owner of files in it,
// named by the number of the user and open to nobody else; there a file is an
// entry like any other, so it is found, read, taken back (by a rename) and
// purged (by an unlink) as files are.
//
// Invariants:
// - a file is in the trash if its inode has a `trash` and a link; without a
//   link it will be, when nobody has it open any more;
// - the table "trash", and the counts in meta, have exactly the files in it;
// - directories of the trash have nothing else in them, and are not counted
//   among the inodes.

import assert from 'node:assert/strict'
import { LeasefsError } from '../../base/errors.js'
import { nameLengthMax, pathLengthMax, rootIno, trashIno } from '../../constants.js'
import { type Attributes, FileType, type Time } from '../../wire/gen/common.js'
import type { Deletion, StoredTrash } from '../../wire/gen/state.js'
import type { Ino } from '../../wire/ids.js'
import type { Inode } from '../state/inodes.js'
import type { State } from '../state/state.js'
import { placeOf } from '../state/trash.js'

const slash = Buffer.from('/')

/** Entries looked through at a time for the name of a directory. */
const pageLength = 1024

/** Whether it is the root of the trash, or the directory of an owner in it. */
export function isTrashDirectory({ attributes: { ino }, parent }: Inode): boolean {
  return ino === trashIno || parent === trashIno
}

/** Whether the file is in the trash; one that is still open there is not yet. */
export function isTrashed({ trash, attributes }: Inode): boolean {
  return trash !== undefined && attributes.nlink > 0
}

/** What is in the trash stays as it is until it is taken back or purged. @throws LeasefsError NOT_PERMITTED */
export function checkNotInTrash(inode: Inode): void {
  if (!isTrashDirectory(inode) && !isTrashed(inode)) return
  throw new LeasefsError('NOT_PERMITTED', `inode ${inode.attributes.ino} is in the trash`)
}

/**
 * What to journal with a removal so that the file goes to the trash: nothing if
 * it has other links, is no file, or is in the trash already.
 */
export function deletionOf(
  { attributes, trash }: Inode,
  keeps: boolean,
  uid: number | undefined,
): Deletion | undefined {
  const last = attributes.type === FileType.REGULAR && attributes.nlink === 1
  return keeps && last && !trash ? { uid } : undefined
}

/** The path by which an entry is reached from the root now; without its beginning if it is longer than a path may be. */
export function pathOf(state: State, parent: number, name: Buffer): Buffer {
  const names = [name]
  let length = name.length + 1
  for (let at = parent; at !== rootIno; ) {
    const directory = state.inodes.get(at)
    const own = directory.name.length > 0 ? directory.name : findName(state, directory)
    length += own.length + 1
    if (length > pathLengthMax) return Buffer.concat(joined(names)).subarray(1)
    names.unshift(own)
    at = directory.parent
  }
  return Buffer.concat(joined(names))
}

/** As a file has lost its last link: what it will take into the trash. */
export function pendingTrash(path: Buffer, { uid }: Deletion): StoredTrash {
  return { path, deletedAt: undefined, deletedBy: uid, bytes: 0, directory: 0 }
}

/** Puts a file without a link into the directory of its owner; returns the directories that have changed. */
export function putInTrash(state: State, inode: Inode, now: Time): Ino[] {
  const { attributes, trash } = inode
  assert(trash && attributes.nlink === 0)
  const { ino, allocatedBytes: bytes } = attributes
  const changed = ownerDirectory(state, attributes, now)
  const [directory] = changed
  const kept = { ...trash, deletedAt: now, bytes, directory }
  state.dentries.put(directory, trashName(ino, trash.path), ino)
  state.inodes.put({ ...inode, attributes: { ...attributes, nlink: 1, trashed: true }, trash: kept })
  state.trash.add(placeOf(ino, kept))
  count(state, 1, bytes)
  return changed
}

/** The file is not in the trash any more: it is about to lose its entry there, or to get it somewhere else. */
export function leaveTrash(state: State, inode: Inode): void {
  const { attributes, trash } = inode
  assert(trash && attributes.nlink > 0)
  state.trash.remove(placeOf(attributes.ino, trash))
  state.inodes.put({ ...inode, attributes: { ...attributes, trashed: undefined }, trash: undefined })
  count(state, -1, -trash.bytes)
}

/** What a file is called in the trash: its number makes it unique, its name tells people what it is. */
export function trashName(ino: number, path: Buffer): Buffer {
  const name = path.subarray(path.lastIndexOf(slash) + 1)
  const head = Buffer.from(`${ino}-`)
  return Buffer.concat([head, wholeCharacters(name, nameLengthMax - head.length)])
}

/** The root of the trash, as the first start that finds none makes it. */
export function trashRoot({ attributes: { uid, gid } }: Inode, now: Time): Inode {
  return directoryInode({ ino: trashIno, uid, gid, mode: 0o755 }, now, rootIno, Buffer.alloc(0))
}

/** The directory of a file's owner in the trash, first, and the root of the trash if it had to be made. */
function ownerDirectory(state: State, { uid, gid }: Attributes, now: Time): [Ino, ...Ino[]] {
  const name = Buffer.from(String(uid))
  const known = state.dentries.find(trashIno, name)
  if (known !== undefined) return [known]
  const ino = state.meta.current.nextIno as Ino
  state.inodes.put(directoryInode({ ino, uid, gid, mode: 0o700 }, now, trashIno, name))
  state.meta.change({ nextIno: inoAfter(ino) })
  state.dentries.put(trashIno, name, ino)
  const { nlink } = state.inodes.get(trashIno).attributes
  state.inodes.change(trashIno, { nlink: nlink + 1, mtime: now, ctime: now })
  return [ino, trashIno as Ino]
}

/** The next number for an inode: that of the trash is taken. */
export function inoAfter(ino: number): number {
  return ino + 1 === trashIno ? ino + 2 : ino + 1
}

function directoryInode(
  { ino, uid, gid, mode }: { ino: number; uid: number; gid: number; mode: number },
  now: Time,
  parent: number,
  name: Buffer,
): Inode {
  const times = { atime: now, mtime: now, ctime: now }
  const sizes = { nlink: 2, size: 0, rdev: 0, goal: 0, allocatedBytes: 0 }
  const attributes: Attributes = { ino, type: FileType.DIRECTORY, mode, uid, gid, ...times, ...sizes }
  return { attributes, parent: parent as Ino, symlinkTarget: Buffer.alloc(0), name, trash: undefined }
}

function count(state: State, files: number, bytes: number): void {
  const { trashCount, trashBytes } = state.meta.current
  state.meta.change({ trashCount: trashCount + files, trashBytes: trashBytes + bytes })
}

/** Of a directory that was made before directories kept their names. */
function findName(state: State, { attributes: { ino }, parent }: Inode): Buffer {
  for (let after: Buffer = Buffer.alloc(0); ; ) {
    const page = state.dentries.page(parent, after, pageLength)
    const found = page.find(entry => entry.ino === ino)
    if (found) return found.name
    const last = page.at(-1)
    assert(last, `directory ${ino} is not in ${parent}`)
    after = last.name
  }
}

function joined(names: readonly Buffer[]): Buffer[] {
  return names.flatMap(name => [slash, name])
}

/** At most so many bytes of a name, cut between characters where it is UTF-8. */
function wholeCharacters(name: Buffer, lengthMax: number): Buffer {
  if (name.length <= lengthMax) return name
  let end = lengthMax
  while (end > lengthMax - 4 && ((name[end] ?? 0) & 0xc0) === 0x80) end--
  return name.subarray(0, end)
}
