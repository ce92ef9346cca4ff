import t from 'tap'
import type { Attributes, Ino, Timestamp } from '../../../../src/client/file-system.js'
import {
  direntSize,
  encodeAbsence,
  encodeAttributes,
  encodeEntry,
  kindOfMode,
  modeOf,
  writeDirent,
} from '../../../../src/fuse/bindings/kernel/encoding.js'
import { attrOut, direntHead, entryOut } from '../../../../src/fuse/bindings/kernel/structs.js'
import { name } from '../../harness/memory-operations.js'

const time = (seconds: number, nanos = 0): Timestamp => ({ seconds, nanos })

function attributes(changes: Partial<Attributes> = {}): Attributes {
  return {
    ino: 5 as Ino,
    kind: 'file',
    mode: 0o4755,
    uid: 2 ** 32 - 1,
    gid: 7,
    nlink: 3,
    size: 2 ** 50 + 1,
    allocatedBytes: 1025,
    rdev: 0,
    atime: time(1),
    mtime: time(2),
    ctime: time(3),
    ...changes,
  } as Attributes
}

t.test('attributes, and how long they may be believed', async t => {
  const bytes = encodeAttributes(attributes(), 1500)
  t.match(attrOut.read(bytes), {
    attrValid: 1,
    attrValidNsec: 500_000_000,
    ino: 5,
    size: 2 ** 50 + 1,
    blocks: 3,
    mode: 0o104755,
    nlink: 3,
    uid: 2 ** 32 - 1,
    gid: 7,
    blksize: 131072,
  })
  t.match(attrOut.read(encodeAttributes(attributes(), 0)), { attrValid: 0, attrValidNsec: 0 })
  t.match(attrOut.read(encodeAttributes(attributes(), 999.99)), { attrValid: 0, attrValidNsec: 999_000_000 })
})

t.test('times before 1970 and after 2106', async t => {
  const times = { atime: time(-1, 999_999_999), mtime: time(-(2 ** 40)), ctime: time(2 ** 33, 1) }
  t.match(attrOut.read(encodeAttributes(attributes(times), 0)), {
    atime: -1,
    atimensec: 999_999_999,
    mtime: -(2 ** 40),
    ctime: 2 ** 33,
    ctimensec: 1,
  })
})

t.test('an entry has both: the name, and what it stands for', async t => {
  const entry = entryOut.read(
    encodeEntry(attributes({ kind: 'block-device', mode: 0o600, rdev: 0xfff0_08ff }), 2000, 3250),
  )
  t.match(entry, { nodeid: 5, ino: 5, generation: 0, entryValid: 2, entryValidNsec: 0, attrValid: 3 })
  t.match(entry, { attrValidNsec: 250_000_000, mode: 0o060600, rdev: 0xfff0_08ff })
})

t.test('that there is no such name', async t => {
  const entry = entryOut.read(encodeAbsence(1001))
  t.match(entry, { nodeid: 0, entryValid: 1, entryValidNsec: 1_000_000, attrValid: 0, mode: 0 })
})

t.test('kinds and modes', async t => {
  for (const kind of ['file', 'directory', 'symlink', 'fifo', 'socket', 'character-device', 'block-device'] as const) {
    t.equal(kindOfMode(modeOf({ kind, mode: 0o7777 })), kind)
  }
  t.equal(kindOfMode(0o644), 'file', 'mknod(2) of no type')
  t.equal(kindOfMode(0o170000), undefined)
})

t.test('entries of a listing lie on eights, and nothing of before shines through', async t => {
  t.same([1, 8, 9, 255].map(direntSize), [32, 32, 40, 280])
  const bytes = Buffer.alloc(64, 0xee)
  writeDirent(bytes, 8, { ino: 9 as Ino, kind: 'directory', name: name('abc') }, 4)
  t.same(direntHead.read(bytes, 8), { ino: 9, off: 4, namelen: 3, type: 4 })
  t.same(bytes.subarray(32, 40), Buffer.from('abc\0\0\0\0\0'))
  t.equal(bytes[40], 0xee)
})
