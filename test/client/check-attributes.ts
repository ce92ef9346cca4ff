import t from 'tap'
import { checkChanges, checkNewInode, checkXattr } from '../../src/client/check-attributes.js'
import { fileSizeMax } from '../../src/constants.js'

t.test('changes that fit their fields pass', async t => {
  for (const changes of [
    {},
    { mode: 0o7777, uid: 2 ** 32 - 1, gid: 0 },
    { size: fileSizeMax },
    { atime: 'now' as const, mtime: { seconds: -1, nanos: 999_999_999 } },
  ]) {
    t.doesNotThrow(() => checkChanges(changes), JSON.stringify(changes))
  }
})

t.test('changes that do not are refused', async t => {
  const invalid = { code: 'INVALID_ARGUMENT' }
  for (const changes of [
    { mode: -1 },
    { uid: 2 ** 32 },
    { gid: 1.5 },
    { uid: Number.NaN },
    { size: -1 },
    { size: 0.5 },
    { atime: { seconds: 0.5, nanos: 0 } },
    { mtime: { seconds: 0, nanos: 1e9 } },
    { mtime: { seconds: 0, nanos: -1 } },
  ]) {
    t.throws(() => checkChanges(changes), invalid, JSON.stringify(changes))
  }
  t.throws(() => checkChanges({ size: fileSizeMax + 1 }), { code: 'FILE_TOO_LARGE' })
})

t.test('a new inode has an owner, a mode and perhaps a device that fit', async t => {
  t.doesNotThrow(() => checkNewInode({ mode: 0o644, uid: 0, gid: 0 }, 2 ** 32 - 1))
  t.throws(() => checkNewInode({ mode: 0o644, uid: -1, gid: 0 }), { code: 'INVALID_ARGUMENT' })
  t.throws(() => checkNewInode({ mode: 0, uid: 0, gid: 0 }, 2 ** 32), { code: 'INVALID_ARGUMENT' })
})

t.test('an extended attribute has a name, and a value of bounded size', async t => {
  t.doesNotThrow(() => checkXattr(Buffer.from('user.a'), Buffer.alloc(64 * 1024)))
  t.throws(() => checkXattr(Buffer.alloc(0)), { code: 'OUT_OF_RANGE' })
  t.throws(() => checkXattr(Buffer.alloc(256, 'a')), { code: 'OUT_OF_RANGE' })
  t.throws(() => checkXattr(Buffer.from('a'), Buffer.alloc(64 * 1024 + 1)), { code: 'TOO_BIG' })
})
