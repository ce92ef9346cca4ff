// An inode of a file system in memory.

import { LeasefsError } from '../../../src/base/errors.js'
import type { Attributes, FileKind, Timestamp } from '../../../src/client/file-system.js'
import type { Ino } from '../../../src/wire/ids.js'
import type { MemoryPages } from './memory-pages.js'

export interface Inode {
  readonly ino: Ino
  readonly kind: FileKind
  mode: number
  uid: number
  gid: number
  nlink: number
  atime: Timestamp
  mtime: Timestamp
  ctime: Timestamp
  readonly rdev: number
  readonly pages: MemoryPages
  readonly target: Buffer
  /** Of a directory: names, as latin1, in no order. */
  readonly entries: Map<string, Ino>
  parent: Ino
  readonly xattrs: Map<string, Buffer>
  openCount: number
}

export function attributesOf(inode: Inode): Attributes {
  const { ino, kind, mode, uid, gid, nlink, atime, mtime, ctime, rdev, target, pages } = inode
  const size = kind === 'symlink' ? target.length : pages.size
  return {
    ...{ ino, kind, mode, uid, gid, nlink, size, atime, mtime, ctime, rdev, goal: 1 },
    allocatedBytes: pages.bytes,
  }
}

/** @throws LeasefsError NOT_A_DIRECTORY, IS_A_DIRECTORY, NOT_EMPTY */
export function checkReplaceable(moved: Inode, replaced: Inode): void {
  if (moved.kind === 'directory' && replaced.kind !== 'directory')
    throw new LeasefsError('NOT_A_DIRECTORY', 'a file is there')
  if (moved.kind !== 'directory' && replaced.kind === 'directory')
    throw new LeasefsError('IS_A_DIRECTORY', 'a directory is there')
  if (replaced.entries.size > 0) throw new LeasefsError('NOT_EMPTY', 'a directory with entries is there')
}
