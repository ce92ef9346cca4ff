// What one part of a check leaves for the next.

import { Sparse } from './sparse.js'

export const isThere = 1
export const isDirectoryThere = 2
/** An entry names the directory. */
export const isNamed = 4
/** It is the root, the trash, or known to be below one of them. */
export const isReached = 8

/** What is stored of it cannot be read: nothing that follows from it is said. */
export const isUnread = 16

/** What it has in it cannot be read: perhaps a directory, which would be a link to this one. */
export const isUnsure = 32

export class Seen {
  /** Of inodes: isThere and so on. */
  readonly flags = new Sparse('flags')
  /** What each inode's link count has beyond the links that were found so far. */
  readonly links = new Sparse('counts')
  /** Counted: not the directories of the trash. */
  inodes = 0
  chunks = 0
  trashed = 0
  trashBytes = 0
  inoMax = 0
  handleMax = 0
}
