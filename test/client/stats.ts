import t from 'tap'
import type { Attributes, FileKind } from '../../src/client/file-system.js'
import { DirectoryEntry, Stats, timestampFrom } from '../../src/client/stats.js'
import type { Ino } from '../../src/wire/ids.js'

const attributes = (kind: FileKind): Attributes => ({
  ...{ ino: 5 as Ino, kind, mode: 0o750, uid: 1, gid: 2, nlink: 1, size: 3, rdev: 0, goal: 2, allocatedBytes: 0 },
  atime: { seconds: 1, nanos: 0 },
  mtime: { seconds: 2, nanos: 500_000_001 },
  ctime: { seconds: -1, nanos: 0 },
})

t.test('a kind answers yes to one question', async t => {
  const kinds: FileKind[] = ['file', 'directory', 'symlink', 'fifo', 'socket', 'character-device', 'block-device']
  const questions = (of: Stats | DirectoryEntry) => [
    of.isFile(),
    of.isDirectory(),
    of.isSymbolicLink(),
    of.isFIFO(),
    of.isSocket(),
    of.isCharacterDevice(),
    of.isBlockDevice(),
  ]
  for (const [index, kind] of kinds.entries()) {
    const expected = kinds.map((_, at) => at === index)
    t.same(questions(new Stats(attributes(kind))), expected, kind)
    t.same(questions(new DirectoryEntry('x', '/', kind)), expected, kind)
  }
})

t.test('the mode has the type bits of stat(2)', async t => {
  t.equal(new Stats(attributes('file')).mode, 0o100750)
  t.equal(new Stats(attributes('directory')).mode, 0o040750)
  t.equal(new Stats(attributes('symlink')).mode, 0o120750)
})

t.test('times are there in nanoseconds, milliseconds and as dates', async t => {
  const stats = new Stats(attributes('file'))
  t.equal(stats.mtimeNs, 2_500_000_001n)
  t.equal(stats.mtime.getTime(), 2500)
  t.equal(stats.ctimeMs, -1000)
  t.equal(stats.atimeMs, 1000)
})

t.test('a time is given as a date or in seconds', async t => {
  t.same(timestampFrom(1.5), { seconds: 1, nanos: 500_000_000 })
  t.same(timestampFrom(-0.25), { seconds: -1, nanos: 750_000_000 })
  t.same(timestampFrom(new Date(1001)), { seconds: 1, nanos: 1_000_000 })
})
