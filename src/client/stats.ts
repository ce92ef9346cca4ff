// What stat() and readdir() give to programs, in the shape of Node's fs.

import { constants } from 'node:fs'
import type { Attributes, FileKind, Timestamp } from './file-system.js'

const typeBits: Record<FileKind, number> = {
  file: constants.S_IFREG,
  directory: constants.S_IFDIR,
  symlink: constants.S_IFLNK,
  fifo: constants.S_IFIFO,
  socket: constants.S_IFSOCK,
  'character-device': constants.S_IFCHR,
  'block-device': constants.S_IFBLK,
}

class Kinded {
  readonly kind: FileKind

  constructor(kind: FileKind) {
    this.kind = kind
  }

  isFile(): boolean {
    return this.kind === 'file'
  }

  isDirectory(): boolean {
    return this.kind === 'directory'
  }

  isSymbolicLink(): boolean {
    return this.kind === 'symlink'
  }

  isFIFO(): boolean {
    return this.kind === 'fifo'
  }

  isSocket(): boolean {
    return this.kind === 'socket'
  }

  isCharacterDevice(): boolean {
    return this.kind === 'character-device'
  }

  isBlockDevice(): boolean {
    return this.kind === 'block-device'
  }
}

/** Attributes of a file, directory or other inode at one moment. */
export class Stats extends Kinded {
  readonly ino: number
  /** Type and permission bits, as stat(2) has them. */
  readonly mode: number
  readonly nlink: number
  readonly uid: number
  readonly gid: number
  readonly rdev: number
  /** In bytes. */
  readonly size: number
  /** Replicas wanted of each chunk. */
  readonly goal: number
  /** Nanoseconds since the epoch. */
  readonly atimeNs: bigint
  readonly mtimeNs: bigint
  readonly ctimeNs: bigint

  constructor(attributes: Attributes) {
    super(attributes.kind)
    this.ino = attributes.ino
    this.mode = typeBits[attributes.kind] | attributes.mode
    this.nlink = attributes.nlink
    this.uid = attributes.uid
    this.gid = attributes.gid
    this.rdev = attributes.rdev
    this.size = attributes.size
    this.goal = attributes.goal
    this.atimeNs = nanoseconds(attributes.atime)
    this.mtimeNs = nanoseconds(attributes.mtime)
    this.ctimeNs = nanoseconds(attributes.ctime)
  }

  get atimeMs(): number {
    return Number(this.atimeNs) / 1e6
  }

  get mtimeMs(): number {
    return Number(this.mtimeNs) / 1e6
  }

  get ctimeMs(): number {
    return Number(this.ctimeNs) / 1e6
  }

  get atime(): Date {
    return new Date(this.atimeMs)
  }

  get mtime(): Date {
    return new Date(this.mtimeMs)
  }

  get ctime(): Date {
    return new Date(this.ctimeMs)
  }
}

/** An entry of a directory, with the kind of what it names. */
export class DirectoryEntry extends Kinded {
  readonly name: string
  /** Path of the directory, as it was given to readdir(). */
  readonly parentPath: string

  constructor(name: string, parentPath: string, kind: FileKind) {
    super(kind)
    this.name = name
    this.parentPath = parentPath
  }
}

function nanoseconds({ seconds, nanos }: Timestamp): bigint {
  return BigInt(seconds) * 1_000_000_000n + BigInt(nanos)
}

/** A time as programs give it: a Date, or seconds since the epoch. */
export function timestampFrom(time: Date | number): Timestamp {
  const ms = typeof time === 'number' ? time * 1000 : time.getTime()
  const seconds = Math.floor(ms / 1000)
  return { seconds, nanos: Math.min(999_999_999, Math.round((ms - seconds * 1000) * 1e6)) }
}
