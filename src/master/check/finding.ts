// What a check finds: a closed set of kinds, each with what can be done about
// it. docs/OPERATING.md, "Checking", has them for operators.

import type { TableName } from '../state/state-store.js'

export const findingKinds = [
  'unreadable', // a stored value that cannot be decoded
  'wrong-inode', // an inode with another number than its key, or of no type
  'dangling-entry', // an entry that names an inode which is not there
  'misplaced-entry', // an entry in something that is no directory
  'extra-entry', // a second entry of a directory
  'bad-name', // an entry whose name no path can have
  'wrong-parent', // a directory that says it is somewhere else
  'wrong-links', // an inode whose link count is not the number of its names
  'lost-inode', // an inode that has no name and that nobody has open
  'unreachable-directory', // directories that are in one another, and not below the root
  'wrong-usage', // an inode whose allocated bytes are not those of its chunks
  'wrong-goal', // a chunk whose goal is not that of its file
  'orphan-row', // something of an inode or a session that is not there
  'one-sided-open', // an open file that is listed by inode or by session, but not both
  'wrong-locks', // locks that exclude one another
  'wrong-lock-count', // a session's locks of an inode, counted wrongly
  'wrong-trash', // a file that is listed as in the trash and is not, or the other way round
  'lost-chunk', // a chunk of a file that is not there
  'unlisted-chunk', // a chunk that its file does not list
  'missing-chunk', // a chunk that a file lists and that has no record, or is another file's
  'wrong-chunk', // a chunk whose versions, index or goal cannot be
  'wrong-count', // a count of the whole that is not what is there
  'low-number', // a number that is to be given out next, and is in use
] as const

export type FindingKind = (typeof findingKinds)[number]

/** A row of a state table, as it is to be. */
export interface Row {
  readonly table: TableName
  readonly key: Buffer
  /** Absent: there is to be no such row. */
  readonly value?: Buffer
}

/** What would put one finding right (mend.ts). */
export type Mend =
  | { readonly kind: 'remove-row'; readonly table: TableName; readonly key: Buffer }
  | { readonly kind: 'remove-entry'; readonly parent: number; readonly name: Buffer; readonly ino: number }
  | { readonly kind: 'add-open'; readonly ino: number; readonly session: number }
  | { readonly kind: 'set-parent'; readonly ino: number; readonly parent: number; readonly name: Buffer }
  /** To what the link count is by then: others may have changed it meanwhile. */
  | { readonly kind: 'add-links'; readonly ino: number; readonly delta: number }
  | { readonly kind: 'to-lost-and-found'; readonly ino: number; readonly entry?: { parent: number; name: Buffer } }
  | { readonly kind: 'count-usage'; readonly ino: number }
  | { readonly kind: 'set-goal'; readonly handle: number }
  | { readonly kind: 'count-locks'; readonly session: number; readonly ino: number }
  | { readonly kind: 'list-trashed'; readonly ino: number }
  | { readonly kind: 'list-chunk'; readonly handle: number }
  | { readonly kind: 'make-file'; readonly ino: number; readonly handle: number }
  | { readonly kind: 'add-counts'; readonly counts: Readonly<Partial<Record<CountName, number>>> }
  | { readonly kind: 'raise-number'; readonly name: NextName; readonly atLeast: number }

export type CountName = 'inodeCount' | 'chunkCount' | 'trashCount' | 'trashBytes'
export type NextName = 'nextIno' | 'nextHandle' | 'nextSessionId'

export interface Finding {
  readonly kind: FindingKind
  /** What is wrong, for people. */
  readonly text: string
  readonly ino?: number
  readonly handle?: number
  /** Absent: nothing that is safe, so it is left to a person. */
  readonly mend?: Mend
}
