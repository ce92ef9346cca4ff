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
  t.same(await ask('rmdir', '/d'), [-errno.ENOTEMPTY], 'libfuse needs the directory as long as the file is open')
  await ask('release', hiddenPath, handle)
  t.equal(operations.files.openCount, 0)
  t.same(await ask('rmdir', '/d'), [0])
  t.equal(fileSystem.inodeCount, 1)
  t.equal((await ask('getattr', hiddenPath))[0], -errno.ENOENT)
  t.same(await ask('rmdir', '/d'), [0])
})
