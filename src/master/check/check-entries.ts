// Directory entries, and with them the link counts of all inodes.

import { LeasefsError } from '../../base/errors.js'
import { rootIno, trashIno } from '../../constants.js'
import { StoredDentry } from '../../wire/gen/state.js'
import { checkName } from '../ops/names.js'
import { keyNumber, prefixRange } from '../state/keys.js'
import type { StateReader } from '../state/state-store.js'
import type { CheckStep } from './check-state.js'
import type { Finding } from './finding.js'
import { isDirectoryThere, isNamed, isThere, isUnread, isUnsure, type Seen } from './seen.js'
import { everything, inodeOf, readable } from './tables.js'

interface Entry {
  readonly parent: number
  readonly name: Buffer
  readonly ino: number
}

export function* checkEntries(reader: StateReader, seen: Seen): Generator<CheckStep, void> {
  for (const { key, value } of reader.table('dentries').range(everything)) {
    yield undefined
    const [parent, name] = [keyNumber(key, 0), key.subarray(8)]
    const dentry = readable(StoredDentry, value)
    if (!dentry) {
      yield { kind: 'unreadable', text: `entry ${text(name)} of inode ${parent} cannot be read`, ino: parent }
      continue
    }
    yield* checkEntry(reader, seen, { parent, name, ino: dentry.ino })
  }
  yield* checkLinks(reader, seen)
}

function* checkEntry(reader: StateReader, seen: Seen, entry: Entry): Generator<CheckStep, void> {
  const { parent, name, ino } = entry
  const flags = seen.flags.get(ino)
  const mend = { kind: 'remove-entry', ...entry } as const
  if ((seen.flags.get(parent) & (isDirectoryThere | isUnread)) === 0) {
    yield {
      kind: 'misplaced-entry',
      text: `entry ${text(name)} is in inode ${parent}, which is no directory`,
      ino,
      mend,
    }
    return
  }
  if (!isName(name)) yield { kind: 'bad-name', text: `directory ${parent} has an entry ${text(name)}`, ino }
  if (flags === 0) {
    yield {
      kind: 'dangling-entry',
      text: `entry ${text(name)} of directory ${parent} names inode ${ino}, which is gone`,
      ino,
      mend,
    }
    return
  }
  if ((flags & isUnread) !== 0) {
    seen.flags.set(parent, seen.flags.get(parent) | isUnsure)
    return
  }
  if ((flags & isDirectoryThere) === 0) {
    seen.links.add(ino, -1)
    return
  }
  if ((flags & isNamed) !== 0 || ino === rootIno || ino === trashIno) {
    yield { kind: 'extra-entry', text: `directory ${ino} has a second entry, ${text(name)} in ${parent}`, ino, mend }
    return
  }
  const directory = inodeOf(reader, ino)
  if (directory?.parent !== parent || (directory.name.length > 0 && !directory.name.equals(name))) {
    // Of several entries the one that the directory speaks of counts.
    if (directory && namesIt(reader, directory.parent, directory.name, ino)) {
      yield { kind: 'extra-entry', text: `directory ${ino} has a second entry, ${text(name)} in ${parent}`, ino, mend }
      return
    }
    const says = directory && `${text(directory.name)} in ${directory.parent}`
    const mendParent = { kind: 'set-parent', ...entry } as const
    yield {
      kind: 'wrong-parent',
      text: `directory ${ino} is ${text(name)} in ${parent} and says ${says}`,
      ino,
      mend: mendParent,
    }
  }
  seen.flags.set(ino, flags | isNamed)
  seen.links.add(ino, -2)
  seen.links.add(parent, -1)
}

function* checkLinks(reader: StateReader, seen: Seen): Generator<CheckStep, void> {
  for (const [ino, delta] of seen.links.entries()) {
    yield undefined
    if ((seen.flags.get(ino) & (isUnread | isUnsure)) !== 0) continue
    const { nlink = 0 } = inodeOf(reader, ino)?.attributes ?? {}
    // Without any name it is lost; with a name it has the wrong number of links.
    if (isNameless(seen, ino, nlink - delta)) continue
    const wrong = `inode ${ino} has link count ${nlink}, and ${nlink - delta} links`
    yield { kind: 'wrong-links', text: wrong, ino, mend: { kind: 'add-links', ino, delta: -delta } }
  }
  yield* checkNameless(reader, seen)
}

/** What has no name is held by who has it open, or it is lost. */
function* checkNameless(reader: StateReader, seen: Seen): Generator<CheckStep, void> {
  for (const [ino, flags] of seen.flags.entries()) {
    yield undefined
    if (ino === rootIno || ino === trashIno || (flags & (isThere | isUnread)) !== isThere) continue
    const { nlink = 0 } = inodeOf(reader, ino)?.attributes ?? {}
    if (!isNameless(seen, ino, nlink - seen.links.get(ino))) continue
    const [open] = reader.table('opens').range({ ...prefixRange(ino), limit: 1 })
    if (open && nlink === 0) continue
    yield lost(ino, nlink)
  }
}

function lost(ino: number, nlink: number): Finding {
  const why = nlink === 0 ? 'has no name, and nobody has it open' : `has link count ${nlink}, and no name`
  return { kind: 'lost-inode', text: `inode ${ino} ${why}`, ino, mend: { kind: 'to-lost-and-found', ino } }
}

/** `links`: those that were found. Of a directory there may be some although it has no entry: its subdirectories. */
function isNameless(seen: Seen, ino: number, links: number): boolean {
  if (ino === rootIno || ino === trashIno) return false
  const flags = seen.flags.get(ino)
  return (flags & isDirectoryThere) !== 0 ? (flags & isNamed) === 0 : links === 0
}

function namesIt(reader: StateReader, parent: number, name: Buffer, ino: number): boolean {
  if (name.length === 0) return false
  const key = Buffer.concat([prefixRange(parent).from, name])
  const value = reader.table('dentries').get(key)
  return value !== undefined && readable(StoredDentry, value)?.ino === ino
}

function isName(name: Buffer): boolean {
  try {
    checkName(name)
    return true
  } catch (reason) {
    if (!(reason instanceof LeasefsError)) throw reason
    return false
  }
}

function text(name: Buffer): string {
  return JSON.stringify(String(name))
}
