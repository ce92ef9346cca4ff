import { constants as fs } from 'node:fs'
import { constants } from 'node:os'
import t from 'tap'
import { memoryContext, recordOf } from '../../harness/memory-context.js'
import { name, root } from '../../harness/memory-operations.js'

const { errno } = constants
const ms = (value: bigint) => [Number(value % 2n ** 32n), Number(value / 2n ** 32n)] as const

t.test('getattr gives mode, size and inode number, or an errno with a stat all the same', async t => {
  const { ask, operations } = memoryContext()
  const { ino } = await operations.names.makeNode(root, name('f'), 'file', 0o640, 0, { uid: 1, gid: 2 })
  await operations.attributes.set(ino, { size: 2 ** 33 + 5 })
  const [result, stat] = await ask('getattr', '/f')
  t.equal(result, 0)
  t.same([...stat.subarray(0, 8)], [fs.S_IFREG | 0o640, 1, 2, 5, 2, 0, 1, ino])
  const [missing, nothing] = await ask('getattr', '/g')
  t.equal(missing, -errno.ENOENT)
  t.equal(nothing.length, 18)
  t.equal((await ask('getattr', '/f/g'))[0], -errno.ENOTDIR)
  t.equal((await ask('getattr', '/'))[1][7], root)
})

t.test('fgetattr goes by the handle', async t => {
  const { ask } = memoryContext()
  const [, handle] = await ask('create', '/f', 0o100644)
  await ask('unlink', '/f')
  const [result, stat] = await ask('fgetattr', '', handle)
  t.equal(result, 0)
  t.equal(stat[6], 0, 'it has no name')
  t.equal((await ask('fgetattr', '', handle + 1))[0], -errno.EBADF)
})

t.test('chown leaves what is -1', async t => {
  const { ask } = memoryContext()
  await ask('mkdir', '/d', 0o755)
  await ask('chown', '/d', 5, 6)
  await ask('chown', '/d', 2 ** 32 - 1, 7)
  await ask('chown', '/d', 2 ** 32 - 1, 2 ** 32 - 1)
  const [, stat] = await ask('getattr', '/d')
  t.same([stat[1], stat[2]], [5, 7])
  await ask('chmod', '/d', 0o41770)
  t.equal((await ask('getattr', '/d'))[1][0], fs.S_IFDIR | 0o1770)
})

t.test('truncate and ftruncate set sizes beyond 32 bits', async t => {
  const { ask, fileSystem } = memoryContext()
  const [, handle] = await ask('create', '/f', 0o100644)
  await ask('truncate', '/f', 1, 2)
  const { ino, size } = await fileSystem.lookup(root, name('f'))
  t.equal(size, 2 ** 33 + 1)
  await ask('ftruncate', '/f', handle, 9, 0)
  t.match(await fileSystem.getAttributes(ino), { size: 9 })
  t.equal((await ask('truncate', '/', 0, 0))[0], -errno.EINVAL)
})

t.test('utimens takes the modification time from the record', async t => {
  const { ask, askWith, fileSystem } = memoryContext()
  await ask('mkdir', '/d', 0o755)
  const [atime, mtime] = [981_173_106_789n, 1_289_567_655_123n]
  await askWith(recordOf({ atime, mtime }), 'utimens', '/d', ...ms(atime), ...ms(atime))
  t.match(await fileSystem.lookup(root, name('d')), {
    atime: { seconds: 981_173_106, nanos: 789_000_000 },
    mtime: { seconds: 1_289_567_655, nanos: 123_000_000 },
  })
  await askWith(recordOf({ atime: 5n, mtime }), 'utimens', '/d', ...ms(atime), ...ms(atime))
  t.match(await fileSystem.lookup(root, name('d')), { mtime: { seconds: 981_173_106 } }, 'but not from one in doubt')
})

t.test('statfs counts in 32 bits', async t => {
  const [result, statvfs] = await memoryContext().ask('statfs', '/')
  t.equal(result, 0)
  t.same([...statvfs.subarray(0, 5)], [4096, 4096, 2 ** 28, 2 ** 27, 2 ** 27])
  t.equal(statvfs[10], 255)
})

t.test('xattrs have a length, a value, and an error where they do not fit', async t => {
  const { ask } = memoryContext()
  t.same((await ask('setxattr', '/', 'user.a', name('value'), 0, 0))[0], 0)
  t.equal((await ask('getxattr', '/', 'user.a', Buffer.alloc(0), 0))[0], 5)
  const buffer = Buffer.alloc(5)
  const answer = await ask('getxattr', '/', 'user.a', buffer, 0)
  t.same([answer[0], answer[1] === buffer.buffer, String(buffer)], [5, true, 'value'])
  t.equal((await ask('getxattr', '/', 'user.a', Buffer.alloc(4), 0))[0], -errno.ERANGE)
  t.equal((await ask('getxattr', '/', 'user.b', buffer, 0))[0], -errno.ENODATA)
  t.equal((await ask('getxattr', '/', 'security.capability', buffer, 0))[0], -errno.ENODATA)
  t.equal((await ask('getxattr', '/', 'system.posix_acl_access', buffer, 0))[0], -errno.EOPNOTSUPP)

  t.equal((await ask('listxattr', '/', Buffer.alloc(0)))[0], 7)
  t.equal((await ask('listxattr', '/', Buffer.alloc(6)))[0], -errno.ERANGE)
  const list = Buffer.alloc(7)
  t.equal((await ask('listxattr', '/', list))[0], 7)
  t.equal(String(list), 'user.a\0')

  const [createOnly, replaceOnly] = [1, 2]
  t.equal((await ask('setxattr', '/', 'user.a', name('x'), 0, createOnly))[0], -errno.EEXIST)
  t.equal((await ask('setxattr', '/', 'user.c', name('x'), 0, replaceOnly))[0], -errno.ENODATA)
  t.equal((await ask('removexattr', '/', 'user.a'))[0], 0)
  t.equal((await ask('removexattr', '/', 'user.a'))[0], -errno.ENODATA)
})

t.test('a value that is set outlives the buffer it came in', async t => {
  const { ask, fileSystem } = memoryContext()
  const value = name('kept')
  await ask('setxattr', '/', 'user.a', value, 0, 0)
  value.fill(0)
  t.equal(String(await fileSystem.getXattr(root, name('user.a'))), 'kept')
})
