import { constants } from 'node:fs'
import t from 'tap'
import type { Attributes, Ino } from '../../../../src/client/file-system.js'
import {
  bigintOf,
  entryStatOf,
  kindBits,
  numberOf,
  statOf,
  statvfsOf,
} from '../../../../src/fuse/bindings/fuse-native/encoding.js'

const attributes: Attributes = {
  ino: 12 as Ino,
  kind: 'file',
  mode: 0o4755,
  uid: 1,
  gid: 2,
  nlink: 3,
  size: 2 ** 40 + 1,
  atime: { seconds: 2 ** 31, nanos: 999_999_999 },
  mtime: { seconds: -5, nanos: 0 },
  ctime: { seconds: 1, nanos: 2_000_000 },
  rdev: 0x501,
  goal: 3,
  allocatedBytes: 1025,
}

t.test('a stat is 18 numbers in the order of the addon', async t => {
  const at = BigInt(2 ** 31) * 1000n + 999n
  t.same(
    [...statOf(attributes)],
    [
      ...[constants.S_IFREG | 0o4755, 1, 2, 1, 256, 0, 3, 12, 0x501, 131072],
      ...[3, 0],
      ...[Number(at % 2n ** 32n), Number(at / 2n ** 32n)],
      ...[0, 0], // Before the epoch: it would come out far in the future.
      ...[1002, 0],
    ],
  )
})

t.test('inode numbers keep their low half, and are never 0', async t => {
  const inoOf = (ino: number) => statOf({ ...attributes, ino: ino as Ino })[7]
  t.same([inoOf(2 ** 32 - 1), inoOf(2 ** 32 + 7), inoOf(2 ** 32), inoOf(3 * 2 ** 32)], [2 ** 32 - 1, 7, 1, 3])
})

t.test('an entry has its type and its inode number', async t => {
  const stat = entryStatOf({ name: Buffer.from('x'), ino: 9 as Ino, kind: 'symlink' })
  t.same([stat[0], stat[7]], [constants.S_IFLNK, 9])
  t.equal(new Set(Object.values(kindBits)).size, 7)
})

t.test('a statvfs has blocks, inodes and the longest name', async t => {
  const status = {
    blockSize: 4096,
    blocks: 100,
    blocksFree: 40,
    blocksAvailable: 40,
    files: 9,
    filesFree: 8,
    nameLengthMax: 255,
  }
  t.same([...statvfsOf(status)], [4096, 4096, 100, 40, 40, 9, 8, 8, 0, 0, 255])
})

t.test('halves make a number', async t => {
  t.equal(numberOf(5, 2), 2 ** 33 + 5)
  t.equal(bigintOf(2 ** 32 - 1, 2 ** 32 - 1), -1n)
})
