// Inodes, and what hangs on each: extended attributes, opens, locks, chunks.

import { chunkIndexMax, rootIno, trashIno } from '../../constants.js'
import { FileType } from '../../wire/gen/common.js'
import { StoredInode } from '../../wire/gen/state.js'
import { trashName } from '../ops/trash.js'
import { keyNumber, nameKey, numberKey, pairKey } from '../state/keys.js'
import type { StateReader, TableName } from '../state/state-store.js'
import { placeOf } from '../state/trash.js'
import type { CheckStep } from './check-state.js'
import type { Finding } from './finding.js'
import { isDirectoryThere, isThere, isUnread, type Seen } from './seen.js'
import { Cursor, chunkOf, everything, inodeOf, readable } from './tables.js'

type Known = StoredInode & { readonly attributes: NonNullable<StoredInode['attributes']> }

export function* checkInodes(reader: StateReader, seen: Seen): Generator<CheckStep, void> {
  const chunks = new Cursor(reader, 'fileChunks')
  const rows = (['xattrs', 'opens', 'locks'] as const).map(table => ({ table, cursor: new Cursor(reader, table) }))
  for (const { key, value } of reader.table('inodes').range(everything)) {
    yield undefined
    const ino = keyNumber(key, 0)
    for (const { table, cursor } of rows) yield* orphans(table, cursor, key)
    yield* orphanChunks(reader, chunks, key)
    const next = numberKey(ino + 1)
    for (const { cursor } of rows) for (const _ of cursor.before(next)) yield undefined
    seen.inoMax = ino === trashIno ? seen.inoMax : Math.max(seen.inoMax, ino)
    seen.flags.set(ino, isThere)

    const inode = readable(StoredInode, value)
    if (!isWhole(inode, ino)) {
      seen.inodes++
      seen.flags.set(ino, isThere | isUnread)
      const kind = inode ? 'wrong-inode' : 'unreadable'
      yield { kind, text: `what is stored of inode ${ino} cannot be its attributes`, ino }
      for (const _ of chunks.before(next)) yield undefined
      continue
    }
    yield* checkInode(reader, seen, ino, inode)
    yield* checkListed(reader, chunks, next, ino, inode)
  }
  for (const { table, cursor } of rows) yield* orphans(table, cursor, undefined)
  yield* orphanChunks(reader, chunks, undefined)
  yield* checkTrashTable(reader)
}

function* checkInode(reader: StateReader, seen: Seen, ino: number, inode: Known): Generator<CheckStep, void> {
  const { attributes, parent, trash } = inode
  const directory = attributes.type === FileType.DIRECTORY
  if (directory) seen.flags.set(ino, isThere | isDirectoryThere)
  const isRoot = ino === rootIno || ino === trashIno
  const counted = directory && (ino === trashIno || parent === trashIno) ? 0 : 1
  seen.inodes += counted
  seen.links.set(ino, attributes.nlink - (isRoot ? 2 : 0))
  if (!directory && (parent !== 0 || inode.name.length > 0)) {
    yield { kind: 'wrong-inode', text: `inode ${ino} is no directory and says in which it is`, ino }
  }
  const trashed = trash !== undefined && attributes.nlink > 0
  if (trashed) {
    seen.trashed++
    seen.trashBytes += trash.bytes
    if (!isListedAsTrash(reader, ino, trash) || attributes.trashed !== true) {
      yield wrongTrash(ino, 'is in the trash and not listed there', { kind: 'list-trashed', ino })
    }
    const named = reader.table('dentries').get(nameKey(trash.directory, trashName(ino, trash.path)))
    if (!named) yield wrongTrash(ino, `is in the trash and has no entry in its directory ${trash.directory}`)
  } else if (attributes.trashed === true || (trash?.directory ?? 0) !== 0) {
    yield wrongTrash(ino, 'is marked as in the trash and is not', { kind: 'list-trashed', ino })
  }
}

/** The chunks that the file lists, with what they have stored. */
function* checkListed(
  reader: StateReader,
  chunks: Cursor,
  end: Buffer,
  ino: number,
  { attributes: { allocatedBytes, type, goal } }: Known,
): Generator<CheckStep, void> {
  let bytes = 0
  for (const { key, value } of chunks.before(end)) {
    yield undefined
    const index = key.readUInt32BE(8)
    const handle = keyNumber(value, 0)
    const chunk = chunkOf(reader, handle)
    if (!chunk || chunk.ino !== ino || chunk.index !== index || index > chunkIndexMax) {
      const why = chunk ? `belongs to chunk ${chunk.index} of inode ${chunk.ino}` : 'has no record'
      yield { kind: 'missing-chunk', text: `chunk ${index} of inode ${ino} ${why}`, ino, handle }
      continue
    }
    bytes += chunk.allocatedBytes
    if (type !== FileType.REGULAR)
      yield { kind: 'wrong-chunk', text: `inode ${ino} is no file and has chunks`, ino, handle }
    else if (chunk.goal !== goal) {
      const text = `chunk ${index} of inode ${ino} has goal ${chunk.goal}, its file ${goal}`
      yield { kind: 'wrong-goal', text, ino, handle, mend: { kind: 'set-goal', handle } }
    }
  }
  if (bytes === allocatedBytes) return
  const text = `inode ${ino} has ${allocatedBytes} bytes stored, its chunks have ${bytes}`
  yield { kind: 'wrong-usage', text, ino, mend: { kind: 'count-usage', ino } }
}

/** Rows of inodes that are passed and were not there. */
function* orphans(table: TableName, cursor: Cursor, before: Buffer | undefined): Generator<CheckStep, void> {
  for (const { key } of cursor.before(before)) {
    const ino = keyNumber(key, 0)
    const text = `${table} of inode ${ino}, which is gone`
    yield { kind: 'orphan-row', text, ino, mend: { kind: 'remove-row', table, key } }
  }
}

/** What a file lists that is gone: chunks with a record are kept, in another file. */
function* orphanChunks(reader: StateReader, cursor: Cursor, before: Buffer | undefined): Generator<CheckStep, void> {
  for (const { key, value } of cursor.before(before)) {
    const [ino, index, handle] = [keyNumber(key, 0), key.readUInt32BE(8), keyNumber(value, 0)]
    const text = `chunk ${index} of inode ${ino}, which is gone`
    if (chunkOf(reader, handle)?.ino === ino) {
      yield { kind: 'lost-chunk', text, ino, handle, mend: { kind: 'make-file', ino, handle } }
    } else yield { kind: 'orphan-row', text, ino, handle, mend: { kind: 'remove-row', table: 'fileChunks', key } }
  }
}

/** Entries of the table that no inode has asked for. */
function* checkTrashTable(reader: StateReader): Generator<CheckStep, void> {
  for (const { key } of reader.table('trash').range(everything)) {
    yield undefined
    const ino = keyNumber(key, 8)
    const inode = inodeOf(reader, ino)
    const place = inode?.trash && placeOf(ino, inode.trash)
    const kept = place && (inode?.attributes?.nlink ?? 0) > 0
    if (kept && key.equals(pairKey(place.deletedMs, ino))) continue
    const text = `inode ${ino} is listed in the trash and is not there`
    yield { kind: 'wrong-trash', text, ino, mend: { kind: 'remove-row', table: 'trash', key } }
  }
}

function isListedAsTrash(reader: StateReader, ino: number, trash: NonNullable<StoredInode['trash']>): boolean {
  return reader.table('trash').get(pairKey(placeOf(ino, trash).deletedMs, ino)) !== undefined
}

function isWhole(inode: StoredInode | undefined, ino: number): inode is Known {
  const { attributes } = inode ?? {}
  if (!attributes) return false
  return attributes.ino === ino && attributes.type >= FileType.REGULAR && attributes.type <= FileType.BLOCK_DEVICE
}

function wrongTrash(ino: number, text: string, mend?: Finding['mend']): Finding {
  return { kind: 'wrong-trash', text: `inode ${ino} ${text}`, ino, ...(mend && { mend }) }
}
