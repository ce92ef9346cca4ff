// Attributes in the arrays that the addon copies into struct stat and struct
// statvfs: 32-bit numbers, sizes and times in two halves, low first.

import { constants } from 'node:fs'
import type { Attributes, FileKind } from '../../../client/file-system.js'
import { type FileSystemStatus, sectors } from '../../operations/attributes.js'
import type { ListedEntry } from '../../operations/directories.js'
import type { Halves } from './addon.js'
import { millisecondsOf } from './times.js'

const statLength = 18
const statvfsLength = 11

/** As big as a write request: stdio and cp size their buffers by it. */
export const preferredIoSize = 128 * 1024

export const kindBits: Record<FileKind, number> = {
  file: constants.S_IFREG,
  directory: constants.S_IFDIR,
  symlink: constants.S_IFLNK,
  fifo: constants.S_IFIFO,
  socket: constants.S_IFSOCK,
  'character-device': constants.S_IFCHR,
  'block-device': constants.S_IFBLK,
}

/** What goes with an error. */
export const noStat = new Uint32Array(statLength)
export const noStatvfs = new Uint32Array(statvfsLength)

export function statOf(attributes: Attributes): Uint32Array {
  const { ino, kind, mode, uid, gid, size, allocatedBytes, nlink, rdev, atime, mtime, ctime } = attributes
  const stat = new Uint32Array(statLength)
  stat[0] = kindBits[kind] | mode
  stat[1] = uid
  stat[2] = gid
  setHalves(stat, 3, size)
  stat[6] = nlink
  stat[7] = inoOf(ino)
  stat[8] = rdev
  stat[9] = preferredIoSize
  setHalves(stat, 10, sectors(allocatedBytes))
  setHalves(stat, 12, millisecondsOf(atime))
  setHalves(stat, 14, millisecondsOf(mtime))
  setHalves(stat, 16, millisecondsOf(ctime))
  return stat
}

/** Of a directory entry libfuse uses no more than the type and the inode number. */
export function entryStatOf({ ino, kind }: ListedEntry): Uint32Array {
  const stat = new Uint32Array(statLength)
  stat[0] = kindBits[kind]
  stat[7] = inoOf(ino)
  return stat
}

export function statvfsOf(status: FileSystemStatus): Uint32Array {
  const { blockSize, blocks, blocksFree, blocksAvailable, files, filesFree, nameLengthMax } = status
  // bsize, frsize, blocks, bfree, bavail, files, ffree, favail, fsid, flag, namemax
  return Uint32Array.of(
    blockSize,
    blockSize,
    blocks,
    blocksFree,
    blocksAvailable,
    files,
    filesFree,
    filesFree,
    0,
    0,
    nameLengthMax,
  )
}

export function numberOf(low: number, high: number): number {
  return high * 2 ** 32 + low
}

export function bigintOf(...[low, high]: Halves): bigint {
  return BigInt.asIntN(64, (BigInt(high) << 32n) | BigInt(low))
}

/** The addon carries 32 bits of it: two inodes share one only when 2^32 were made between them. */
function inoOf(ino: number): number {
  return ino % 2 ** 32 || ino / 2 ** 32
}

function setHalves(array: Uint32Array, index: number, value: number): void {
  array[index] = value % 2 ** 32
  array[index + 1] = Math.floor(value / 2 ** 32)
}
