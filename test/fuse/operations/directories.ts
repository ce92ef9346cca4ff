import t from 'tap'
import { caller, memoryOperations, name, root } from '../harness/memory-operations.js'

const namesOf = (entries: readonly { readonly name: Buffer }[]) => entries.map(entry => String(entry.name))

t.test('a listing begins with the directory and its parent', async t => {
  const { directories, names } = memoryOperations().operations
  const { ino } = await names.makeDirectory(root, name('d'), 0o755, caller)
  const inner = await names.makeDirectory(ino, name('e'), 0o755, caller)
  const listed = await directories.list(ino)
  t.same(
    listed.map(({ name, ino, kind }) => [String(name), ino, kind]),
    [
      ['.', ino, 'directory'],
      ['..', root, 'directory'],
      ['e', inner.ino, 'directory'],
    ],
  )
})

t.test('a handle reads on from where it was, whatever happens meanwhile', async t => {
  const { directories, names } = memoryOperations().operations
  for (const each of ['b', 'd', 'f']) await names.makeDirectory(root, name(each), 0o755, caller)
  const handle = await directories.open(root)
  t.same(namesOf(await directories.read(handle, 0)), ['.', '..', 'b', 'd', 'f'])
  await names.removeDirectory(root, name('b'))
  await names.makeDirectory(root, name('a'), 0o755, caller)
  t.same(namesOf(await directories.read(handle, 3)), ['d', 'f'], 'none is left out, none comes twice')
  t.same(namesOf(await directories.read(handle, 5)), [])
  t.same(namesOf(await directories.read(handle, 0)), ['.', '..', 'a', 'd', 'f'], 'rewinding looks again')
  directories.release(handle)
  await t.rejects(directories.read(handle, 0), { code: 'BAD_HANDLE' })
})

t.test('what is no directory can not be listed', async t => {
  const { directories, names } = memoryOperations().operations
  const { ino } = await names.makeNode(root, name('f'), 'file', 0o644, 0, caller)
  await t.rejects(directories.list(ino), { code: 'NOT_A_DIRECTORY' })
  await directories.sync(root)
})
