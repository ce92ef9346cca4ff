import t from 'tap'
import { attributesFromWire, compareTimes, fileTypeOf, timestampOf } from '../../src/client/attributes.js'
import { FileType, type Attributes as WireAttributes } from '../../src/wire/gen/common.js'

const wire: WireAttributes = {
  ...{
    ino: 7,
    type: FileType.REGULAR,
    mode: 0o644,
    uid: 1,
    gid: 2,
    nlink: 1,
    size: 10,
    rdev: 0,
    goal: 3,
    allocatedBytes: 0,
  },
  atime: { seconds: 1, nanos: 2 },
  mtime: { seconds: -1, nanos: 999_999_999 },
  ctime: undefined,
}

t.test('attributes come off the wire with kind and times', async t => {
  t.match(attributesFromWire(wire), {
    ...{ ino: 7, kind: 'file', mode: 0o644, uid: 1, gid: 2, size: 10, goal: 3 },
    atime: { seconds: 1, nanos: 2 },
    mtime: { seconds: -1, nanos: 999_999_999 },
    ctime: { seconds: 0, nanos: 0 },
  })
})

t.test('that a file is in the trash is said only of such', async t => {
  t.equal(attributesFromWire({ ...wire, trashed: true }).trashed, true)
  t.notOk('trashed' in attributesFromWire({ ...wire, trashed: false }))
})

t.test('each kind has its own type, there and back', async t => {
  const kinds = ['file', 'directory', 'symlink', 'fifo', 'socket', 'character-device', 'block-device'] as const
  t.equal(new Set(kinds.map(fileTypeOf)).size, kinds.length)
  for (const kind of kinds) t.equal(attributesFromWire({ ...wire, type: fileTypeOf(kind) }).kind, kind)
})

t.test('what a master must not send is an error, not attributes', async t => {
  t.throws(() => attributesFromWire(undefined), { code: 'INTERNAL' })
  t.throws(() => attributesFromWire({ ...wire, ino: 0 }), { code: 'INTERNAL' })
  t.throws(() => attributesFromWire({ ...wire, type: FileType.UNKNOWN }), { code: 'INTERNAL' })
})

t.test('nanoseconds count forward, before 1970 too', async t => {
  t.same(timestampOf(0n), { seconds: 0, nanos: 0 })
  t.same(timestampOf(1_500_000_000n), { seconds: 1, nanos: 500_000_000 })
  t.same(timestampOf(-1n), { seconds: -1, nanos: 999_999_999 })
  t.same(timestampOf(-1_000_000_000n), { seconds: -1, nanos: 0 })
})

t.test('times compare by seconds, then by nanoseconds', async t => {
  const at = (seconds: number, nanos: number) => ({ seconds, nanos })
  t.ok(compareTimes(at(1, 0), at(2, 0)) < 0)
  t.ok(compareTimes(at(1, 5), at(1, 4)) > 0)
  t.equal(compareTimes(at(1, 5), at(1, 5)), 0)
})
