// Attributes and times between their form on the wire and the client's own.

import { LeasefsError } from '../base/errors.js'
import { FileType, type Time, type Attributes as WireAttributes } from '../wire/gen/common.js'
import type { Ino } from '../wire/ids.js'
import type { Attributes, FileKind, Timestamp } from './file-system.js'

const typeOf: Record<FileKind, FileType> = {
  file: FileType.REGULAR,
  directory: FileType.DIRECTORY,
  symlink: FileType.SYMLINK,
  fifo: FileType.FIFO,
  socket: FileType.SOCKET,
  'character-device': FileType.CHARACTER_DEVICE,
  'block-device': FileType.BLOCK_DEVICE,
}

const kindOf = new Map(Object.entries(typeOf).map(([kind, type]) => [type, kind as FileKind]))

const epoch: Timestamp = { seconds: 0, nanos: 0 }

export function fileTypeOf(kind: FileKind): FileType {
  return typeOf[kind]
}

/** @throws LeasefsError INTERNAL: the master speaks of something this client does not know */
export function attributesFromWire(wire: WireAttributes | undefined): Attributes {
  const kind = wire && kindOf.get(wire.type)
  if (!wire || !kind || wire.ino <= 0) throw new LeasefsError('INTERNAL', 'the master sent malformed attributes')
  return {
    ino: wire.ino as Ino,
    kind,
    mode: wire.mode & 0o7777,
    uid: wire.uid,
    gid: wire.gid,
    nlink: wire.nlink,
    size: wire.size,
    atime: timeFromWire(wire.atime),
    mtime: timeFromWire(wire.mtime),
    ctime: timeFromWire(wire.ctime),
    rdev: wire.rdev,
    goal: wire.goal,
    allocatedBytes: wire.allocatedBytes,
    ...(wire.trashed && { trashed: true }),
  }
}

function timeFromWire(time: Time | undefined): Timestamp {
  return time ? { seconds: time.seconds, nanos: time.nanos } : epoch
}

/** Nanoseconds since the epoch, as Clock.wallNs gives them. */
export function timestampOf(ns: bigint): Timestamp {
  const seconds = ns / 1_000_000_000n - (ns % 1_000_000_000n < 0n ? 1n : 0n)
  return { seconds: Number(seconds), nanos: Number(ns - seconds * 1_000_000_000n) }
}

/** Less than, equal to or greater than 0 as `a` is before, at or after `b`. */
export function compareTimes(a: Timestamp, b: Timestamp): number {
  return a.seconds - b.seconds || a.nanos - b.nanos
}
