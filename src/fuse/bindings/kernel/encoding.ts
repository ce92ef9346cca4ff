// What is known of inodes as the kernel wants it, with how long it may believe it.

import type { Attributes, FileKind, Ino } from '../../../client/file-system.js'
import { sectors } from '../../operations/attributes.js'
import { fileTypes } from './protocol.js'
import { attrOut, direntHead, entryOut } from './structs.js'

/** st_blksize: what programs read and write at a time if they ask. */
const preferredBytes = 128 * 1024

export function modeOf({ kind, mode }: Pick<Attributes, 'kind' | 'mode'>): number {
  return fileTypes[kind] | mode
}

/** What mknod(2) is asked to make; undefined if it is nothing that mknod makes. */
export function kindOfMode(mode: number): FileKind | undefined {
  const type = mode & 0o170000
  if (type === 0) return 'file'
  for (const [kind, bits] of Object.entries(fileTypes)) if (bits === type) return kind as FileKind
  return undefined
}

export function encodeEntry(attributes: Attributes, entryValidMs: number, attrValidMs: number): Buffer {
  const bytes = Buffer.allocUnsafe(entryOut.size)
  writeEntry(bytes, 0, attributes, entryValidMs, attrValidMs)
  return bytes
}

export function writeEntry(
  bytes: Buffer,
  offset: number,
  attributes: Attributes,
  entryValidMs: number,
  attrValidMs: number,
): void {
  const fields = {
    nodeid: attributes.ino,
    entryValid: wholeSeconds(entryValidMs),
    entryValidNsec: nanos(entryValidMs),
    attrValid: wholeSeconds(attrValidMs),
    attrValidNsec: nanos(attrValidMs),
    ...attributeFields(attributes),
  }
  entryOut.write(fields, bytes, offset)
}

/** That a name is not there, and may be taken as not there for so long. */
export function encodeAbsence(entryValidMs: number): Buffer {
  return entryOut.encode({ entryValid: wholeSeconds(entryValidMs), entryValidNsec: nanos(entryValidMs) })
}

export function encodeAttributes(attributes: Attributes, validMs: number): Buffer {
  return attrOut.encode({
    attrValid: wholeSeconds(validMs),
    attrValidNsec: nanos(validMs),
    ...attributeFields(attributes),
  })
}

/** Bytes of an entry of a listing, without attributes. */
export function direntSize(nameLength: number): number {
  return Math.ceil((direntHead.size + nameLength) / 8) * 8
}

export function writeDirent(
  bytes: Buffer,
  offset: number,
  entry: { readonly ino: Ino; readonly kind: FileKind; readonly name: Buffer },
  nextOffset: number,
): void {
  const { ino, kind, name } = entry
  direntHead.write({ ino, off: nextOffset, namelen: name.length, type: fileTypes[kind] >> 12 }, bytes, offset)
  name.copy(bytes, offset + direntHead.size)
  bytes.fill(0, offset + direntHead.size + name.length, offset + direntSize(name.length))
}

function attributeFields(attributes: Attributes) {
  const { ino, size, atime, mtime, ctime, nlink, uid, gid, rdev, allocatedBytes } = attributes
  return {
    ino,
    size,
    blocks: sectors(allocatedBytes),
    atime: atime.seconds,
    mtime: mtime.seconds,
    ctime: ctime.seconds,
    atimensec: atime.nanos,
    mtimensec: mtime.nanos,
    ctimensec: ctime.nanos,
    mode: modeOf(attributes),
    nlink,
    uid,
    gid,
    rdev,
    blksize: preferredBytes,
  }
}

function wholeSeconds(ms: number): number {
  return Math.floor(ms / 1000)
}

function nanos(ms: number): number {
  return Math.floor(ms % 1000) * 1_000_000
}
