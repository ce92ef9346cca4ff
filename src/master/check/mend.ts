// What puts a finding right, as rows of the tables, from the state as it is by
// then: clients may have changed it since it was looked at, and what is not as
// it was found is left alone. Nothing that anyone may want is taken away: what
// has lost its name gets one in /lost+found.

import { chunkSize, rootIno } from '../../constants.js'
import { type Attributes, FileType, type Time } from '../../wire/gen/common.js'
import { StoredChunk, StoredDentry, StoredInode, StoredMeta } from '../../wire/gen/state.js'
import type { ChunkHandle, Ino } from '../../wire/ids.js'
import { inoAfter, isTrashed } from '../ops/trash.js'
import type { Inode } from '../state/inodes.js'
import { indexKey, nameKey, numberKey, pairKey } from '../state/keys.js'
import type { State } from '../state/state.js'
import { encodeStored } from '../state/stored.js'
import { placeOf } from '../state/trash.js'
import type { Mend, Row } from './finding.js'

const nothing = Buffer.alloc(0)
const lostAndFound = Buffer.from('lost+found')

/** Chunks of a file that are added up at a time. */
const pageLength = 1024

/** What a repair does, for people. */
export const mendTexts: Readonly<Record<Mend['kind'], string>> = {
  'remove-row': 'remove it',
  'remove-entry': 'remove the entry',
  'add-open': 'list it in both',
  'set-parent': 'have the directory say where it is',
  'add-links': 'set the link count',
  'to-lost-and-found': 'put it into /lost+found',
  'count-usage': 'count it anew',
  'set-goal': 'give it the goal of its file',
  'count-locks': 'count them anew',
  'list-trashed': 'list it as what it is',
  'list-chunk': 'list it',
  'make-file': 'put what there is into a file in /lost+found',
  'add-counts': 'set the count',
  'raise-number': 'go on above it',
}

/** None if there is nothing to do any more. */
export function rowsOf(state: State, mend: Mend, now: Time): Row[] {
  switch (mend.kind) {
    case 'remove-row':
      return [{ table: mend.table, key: mend.key }]
    case 'remove-entry':
      return isEntry(state, mend) ? [entryRow(mend.parent, mend.name)] : []
    case 'add-open':
      return openRows(state, mend)
    case 'set-parent':
      return isEntry(state, mend)
        ? changed(state, mend.ino, inode => ({ ...inode, parent: mend.parent as Ino, name: mend.name }))
        : []
    case 'add-links':
      return changedAttributes(state, mend.ino, ({ nlink }) => ({ nlink: Math.max(0, nlink + mend.delta) }))
    case 'to-lost-and-found':
      return lostRows(state, mend, now)
    case 'count-usage':
      return changedAttributes(state, mend.ino, () => ({ allocatedBytes: usageOf(state, mend.ino as Ino) }))
    case 'set-goal':
      return goalRows(state, mend.handle)
    case 'count-locks':
      return lockRows(state, mend)
    case 'list-trashed':
      return trashRows(state, mend.ino)
    case 'list-chunk':
      return listRows(state, mend.handle)
    case 'make-file':
      return fileRows(state, mend, now)
    case 'add-counts':
      return metaRow(
        state,
        Object.fromEntries(
          Object.entries(mend.counts).map(([name, delta]) => [name, state.meta.current[name as 'inodeCount'] + delta]),
        ),
      )
    case 'raise-number':
      return metaRow(state, { [mend.name]: Math.max(mend.atLeast, state.meta.current[mend.name]) })
  }
}

function isEntry(state: State, { parent, name, ino }: { parent: number; name: Buffer; ino: number }): boolean {
  return state.dentries.find(parent, name) === ino
}

function entryRow(parent: number, name: Buffer, ino?: number): Row {
  const key = nameKey(parent, name)
  return ino === undefined
    ? { table: 'dentries', key }
    : { table: 'dentries', key, value: encodeStored(StoredDentry, { ino }) }
}

function inodeRow(inode: Inode): Row {
  return { table: 'inodes', key: numberKey(inode.attributes.ino), value: encodeStored(StoredInode, inode) }
}

function changed(state: State, ino: number, change: (inode: Inode) => Inode): Row[] {
  const inode = state.inodes.find(ino)
  return inode ? [inodeRow(change(inode))] : []
}

function changedAttributes(state: State, ino: number, change: (attributes: Attributes) => Partial<Attributes>): Row[] {
  return changed(state, ino, inode => ({ ...inode, attributes: { ...inode.attributes, ...change(inode.attributes) } }))
}

function openRows(state: State, { ino, session }: { ino: number; session: number }): Row[] {
  if (!state.inodes.find(ino) || !state.sessions.find(session)) return []
  return [
    { table: 'opens', key: pairKey(ino, session), value: nothing },
    { table: 'sessionOpens', key: pairKey(session, ino), value: nothing },
  ]
}

function usageOf(state: State, ino: Ino): number {
  let bytes = 0
  for (let first = 0; ; ) {
    const page = state.chunks.page(ino, first, pageLength)
    for (const { allocatedBytes } of page) bytes += allocatedBytes
    const last = page.at(-1)
    if (!last || page.length < pageLength) return bytes
    first = last.index + 1
  }
}

function goalRows(state: State, handle: number): Row[] {
  const record = state.chunks.find(handle)
  const goal = record && state.inodes.find(record.ino)?.attributes.goal
  return goal
    ? [{ table: 'chunks', key: numberKey(handle), value: encodeStored(StoredChunk, { ...record, goal }) }]
    : []
}

function lockRows(state: State, { session, ino }: { session: number; ino: number }): Row[] {
  const count = state.locks.ofInode(ino).filter(held => held.session === session).length
  const row = { table: 'sessionLocks', key: pairKey(session, ino) } as const
  return [count > 0 ? { ...row, value: numberKey(count) } : row]
}

function trashRows(state: State, ino: number): Row[] {
  const inode = state.inodes.find(ino)
  if (!inode) return []
  const { attributes, trash } = inode
  if (isTrashed(inode) && trash) {
    const { deletedMs } = placeOf(ino, trash)
    const row = { table: 'trash', key: pairKey(deletedMs, ino), value: nothing } as const
    return [row, inodeRow({ ...inode, attributes: { ...attributes, trashed: true } })]
  }
  const pending = trash && { ...trash, directory: 0 }
  return [inodeRow({ ...inode, attributes: { ...attributes, trashed: undefined }, trash: pending })]
}

function listRows(state: State, handle: number): Row[] {
  const record = state.chunks.find(handle)
  if (!record || state.chunks.page(record.ino, record.index, 1)[0]?.index === record.index) return []
  return [{ table: 'fileChunks', key: indexKey(record.ino, record.index), value: numberKey(handle) }]
}

function metaRow(state: State, changes: Partial<StoredMeta>): Row[] {
  const value = encodeStored(StoredMeta, { ...state.meta.current, ...changes })
  return [{ table: 'meta', key: Buffer.from('meta'), value }]
}

/** Gives an inode an entry in /lost+found, and takes the one from it by which it is in itself. */
function lostRows(state: State, { ino, entry }: Extract<Mend, { kind: 'to-lost-and-found' }>, now: Time): Row[] {
  const inode = state.inodes.find(ino)
  if (!inode || (entry && !isEntry(state, { ...entry, ino }))) return []
  const home = lostAndFoundOf(state, now)
  if (!home) return []
  const name = Buffer.from(`#${ino}`)
  const directory = inode.attributes.type === FileType.DIRECTORY
  const nlink = directory ? Math.max(2, inode.attributes.nlink) : 1
  const attributes = { ...inode.attributes, nlink, trashed: undefined }
  const place = directory ? { parent: home.ino, name } : {}
  const rows = [
    ...home.rows,
    inodeRow({ ...inode, attributes, ...place, trash: undefined }),
    entryRow(home.ino, name, ino),
  ]
  if (directory) rows.push(...grown(home))
  if (!entry) return rows
  // Its own inode may be the one that it is in.
  const above = entry.parent === ino ? [] : changedAttributes(state, entry.parent, of => ({ nlink: of.nlink - 1 }))
  return [...rows, entryRow(entry.parent, entry.name), ...above]
}

/** A file for chunks whose inode is not there, as long as they reach. */
function fileRows(state: State, { ino, handle }: Extract<Mend, { kind: 'make-file' }>, now: Time): Row[] {
  const record = state.chunks.find(handle as ChunkHandle)
  if (!record || record.ino !== ino) return []
  const listed: Row = { table: 'fileChunks', key: indexKey(ino, record.index), value: numberKey(handle) }
  const size = (record.index + 1) * chunkSize
  const known = state.inodes.find(ino)
  if (known) {
    // Made for another chunk of it, a moment ago.
    return [listed, ...changedAttributes(state, ino, attributes => ({ size: Math.max(size, attributes.size) }))]
  }
  const home = lostAndFoundOf(state, now)
  if (!home) return []
  const { uid, gid } = state.inodes.get(rootIno).attributes
  const times = { atime: now, mtime: now, ctime: now }
  const sizes = { nlink: 1, size, rdev: 0, goal: record.goal, allocatedBytes: record.allocatedBytes }
  const attributes: Attributes = { ino, type: FileType.REGULAR, mode: 0o600, uid, gid, ...times, ...sizes }
  const inode = { attributes, parent: 0 as Ino, symlinkTarget: nothing, name: nothing, trash: undefined }
  const count = metaRow(state, {
    ...home.numbers,
    inodeCount: (home.numbers.inodeCount ?? state.meta.current.inodeCount) + 1,
  })
  return [...home.rows, ...count, listed, inodeRow(inode), entryRow(home.ino, Buffer.from(`#${ino}`), ino)]
}

interface Home {
  readonly ino: Ino
  readonly inode: Inode
  /** What makes it, if it is not there. */
  readonly rows: readonly Row[]
  /** What changes of the counts with that. */
  readonly numbers: Partial<StoredMeta>
}

/** Undefined if something else has its name. */
function lostAndFoundOf(state: State, now: Time): Home | undefined {
  const known = state.dentries.find(rootIno, lostAndFound)
  if (known !== undefined) {
    const inode = state.inodes.find(known)
    if (inode?.attributes.type !== FileType.DIRECTORY) return undefined
    return { ino: known, inode, rows: [], numbers: {} }
  }
  const root = state.inodes.get(rootIno)
  const { nextIno, inodeCount } = state.meta.current
  const ino = nextIno as Ino
  const { uid, gid } = root.attributes
  const times = { atime: now, mtime: now, ctime: now }
  const sizes = { nlink: 2, size: 0, rdev: 0, goal: 0, allocatedBytes: 0 }
  const attributes: Attributes = { ino, type: FileType.DIRECTORY, mode: 0o700, uid, gid, ...times, ...sizes }
  const inode: Inode = {
    attributes,
    parent: rootIno as Ino,
    symlinkTarget: nothing,
    name: lostAndFound,
    trash: undefined,
  }
  const numbers = { nextIno: inoAfter(nextIno), inodeCount: inodeCount + 1 }
  const grownRoot = {
    ...root,
    attributes: { ...root.attributes, nlink: root.attributes.nlink + 1, mtime: now, ctime: now },
  }
  const rows = [inodeRow(inode), entryRow(rootIno, lostAndFound, ino), inodeRow(grownRoot), ...metaRow(state, numbers)]
  return { ino, inode, rows, numbers }
}

/** It has one directory more. */
function grown({ inode }: Home): Row[] {
  const { attributes } = inode
  return [inodeRow({ ...inode, attributes: { ...attributes, nlink: attributes.nlink + 1 } })]
}
