import t from 'tap'
import type { Ino } from '../../../../src/client/file-system.js'
import { HiddenFiles } from '../../../../src/fuse/bindings/fuse-native/hidden-files.js'
import { Paths, split } from '../../../../src/fuse/bindings/fuse-native/paths.js'
import { caller, memoryOperations, name, root } from '../../harness/memory-operations.js'

t.test('a path is split at its last slash', async t => {
  t.same(split('/a/b'), { directory: '/a', name: 'b' })
  t.same(split('/b'), { directory: '/', name: 'b' })
  t.same(split('/'), { directory: '/', name: '' })
})

t.test('a path leads to an inode, and a place to a directory and a name', async t => {
  const { fileSystem, operations } = memoryOperations()
  const paths = new Paths(fileSystem, new HiddenFiles())
  const a = await operations.names.makeDirectory(root, name('a'), 0o755, caller)
  const b = await operations.names.makeDirectory(a.ino, name('é b'), 0o755, caller)
  t.equal(await paths.ino('/'), root)
  t.equal(await paths.ino('/a/é b'), b.ino)
  t.same(await paths.place('/a/new'), { parent: a.ino, name: name('new') })
  t.same(await paths.place('/new'), { parent: root, name: name('new') })
  await t.rejects(paths.ino('/a/x/y'), { code: 'NOT_FOUND' })
  await t.rejects(paths.ino(`/a/${'n'.repeat(256)}`), { code: 'NAME_TOO_LONG' })
})

t.test('names that are not UTF-8 are refused, not mixed up', async t => {
  const paths = new Paths(memoryOperations().fileSystem, new HiddenFiles())
  for (const path of ['/\ufffd', '/\ufffd/a']) {
    await t.rejects(paths.ino(path), { name: 'KernelError' })
    await t.rejects(paths.place(path), { name: 'KernelError' })
  }
})

t.test('a hidden name leads to its inode from any directory', async t => {
  const hidden = new HiddenFiles()
  const hiddenName = '.fuse_hidden0000000100000001'
  hidden.hide(hiddenName, root, root)
  t.equal(await new Paths(memoryOperations().fileSystem, hidden).ino(`/moved/${hiddenName}`), root as Ino)
})
