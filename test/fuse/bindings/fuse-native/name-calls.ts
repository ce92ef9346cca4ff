import { constants as fs } from 'node:fs'
import { constants } from 'node:os'
import t from 'tap'
import { memoryContext } from '../../harness/memory-context.js'
import { caller, name, root } from '../../harness/memory-operations.js'

const { errno } = constants

t.test('what is made by path can be looked up, moved and removed', async t => {
  const { ask, fileSystem } = memoryContext()
  await ask('mkdir', '/d', 0o755)
  await ask('mknod', '/d/p', fs.S_IFIFO | 0o600, 0)
  await ask('mknod', '/d/c', fs.S_IFCHR | 0o600, 0x501)
  await ask('mknod', '/d/f', 0o600, 0)
  await ask('symlink', 'to/é', '/d/l')
  await ask('link', '/d/f', '/d/g')
  const { ino } = await fileSystem.lookup(root, name('d'))
  const kinds = (await fileSystem.readDirectory(ino)).entries.map(({ name, attributes }) => [
    String(name),
    attributes.kind,
    attributes.uid,
  ])
  const { uid } = caller
  t.same(kinds, [
    ['c', 'character-device', uid],
    ['f', 'file', uid],
    ['g', 'file', uid],
    ['l', 'symlink', uid],
    ['p', 'fifo', uid],
  ])
  t.same(await ask('readlink', '/d/l'), [0, 'to/é'])
  t.same(await ask('readlink', '/d/x'), [-errno.ENOENT, ''])
  t.same(await ask('rename', '/d/f', '/moved'), [0])
  t.same(await ask('rmdir', '/d'), [-errno.ENOTEMPTY])
  for (const each of ['c', 'g', 'l', 'p']) t.same(await ask('unlink', `/d/${each}`), [0])
  t.same(await ask('rmdir', '/d'), [0])
  t.same(await ask('fsyncdir', '/', 0, 0), [0])
})

t.test('a target that is not UTF-8 is refused, not changed', async t => {
  const { ask, operations } = memoryContext()
  t.same(await ask('symlink', 'to/\ufffd', '/l'), [-errno.EILSEQ])
  await operations.names.makeSymlink(root, name('l'), Buffer.of(0xff), caller)
  t.same(await ask('readlink', '/l'), [-errno.EILSEQ, ''])
})

t.test('mknod makes no directories and nothing unknown', async t => {
  const { ask } = memoryContext()
  for (const type of [fs.S_IFDIR, fs.S_IFLNK, 0o170000]) {
    t.same(await ask('mknod', '/x', type | 0o600, 0), [-errno.EINVAL])
  }
})

t.test('readdir gives names with types and inode numbers', async t => {
  const { ask } = memoryContext()
  await ask('mkdir', '/d', 0o755)
  const [result, names, stats] = await ask('readdir', '/')
  t.same([result, names, stats.length], [0, ['.', '..', 'd'], 3])
  t.equal(stats[2]?.[0], fs.S_IFDIR)
  t.same(await ask('readdir', '/x'), [-errno.ENOENT, [], []])
})

t.test('a file that is hidden while open has no name, and its handle works', async t => {
  const { ask, operations, fileSystem } = memoryContext()
  const hiddenPath = '/d/.fuse_hidden0000000300000001'
  await ask('mkdir', '/d', 0o755)
  const [, handle] = await ask('create', '/d/f', 0o100644)
  t.same(await ask('rename', '/d/f', hiddenPath), [0])
  t.same((await ask('readdir', '/d'))[1], ['.', '..'])
  const [result, stat] = await ask('getattr', hiddenPath)
  t.same([result, stat[6]], [0, 0], 'it is found by the hidden name')
  t.same(await ask('truncate', hiddenPath, 3, 0), [0])

  t.same(await ask('rmdir', '/d'), [-errno.ENOTEMPTY], 'libfuse still needs its directory')
  await ask('mkdir', '/e', 0o755)
  t.same(await ask('rename', '/e', '/d'), [-errno.ENOTEMPTY])
  t.same(await ask('rmdir', '/e'), [0], 'and no other')

  t.equal(fileSystem.inodeCount, 3)
  await ask('release', hiddenPath, handle)
  t.equal(operations.files.openCount, 0)
  t.equal(fileSystem.inodeCount, 2)
  t.equal((await ask('getattr', hiddenPath))[0], -errno.ENOENT)
  t.same(await ask('rmdir', '/d'), [0])
})
