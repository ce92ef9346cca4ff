import t from 'tap'
import { checkName } from '../../../src/fuse/operations/names.js'
import { caller, memoryOperations, name, root } from '../harness/memory-operations.js'

t.test('what is made belongs to the caller, with the permission bits alone', async t => {
  const { names } = memoryOperations().operations
  const made = await names.makeDirectory(root, name('d'), 0o40750, caller)
  t.match(made, { kind: 'directory', mode: 0o750, ...caller })
  t.match(await names.makeNode(root, name('p'), 'fifo', 0o10640, 0, caller), { kind: 'fifo', mode: 0o640, ...caller })
  t.match(await names.makeSymlink(root, name('l'), name('d'), caller), { kind: 'symlink', mode: 0o777 })
  t.equal(String(await names.readSymlink((await names.lookup(root, name('l'))).ino)), 'd')
})

t.test('a set-group-id directory gives its group, and directories the bit', async t => {
  const { names, attributes } = memoryOperations().operations
  const { ino } = await names.makeDirectory(root, name('d'), 0o755, caller)
  await attributes.set(ino, { mode: 0o2775, gid: 77 })
  t.match(await names.makeDirectory(ino, name('e'), 0o755, caller), { mode: 0o2755, uid: caller.uid, gid: 77 })
  t.match(await names.makeNode(ino, name('f'), 'file', 0o644, 0, caller), { mode: 0o644, gid: 77 })
})

t.test('rename passes on what renameat2 asks for', async t => {
  const { names } = memoryOperations().operations
  await names.makeDirectory(root, name('a'), 0o755, caller)
  await names.makeDirectory(root, name('b'), 0o755, caller)
  await t.rejects(names.rename(root, name('a'), root, name('b'), { noReplace: true }), { code: 'ALREADY_EXISTS' })
  const [a, b] = [await names.lookup(root, name('a')), await names.lookup(root, name('b'))]
  await names.rename(root, name('a'), root, name('b'), { exchange: true })
  t.equal((await names.lookup(root, name('a'))).ino, b.ino)
  t.equal((await names.lookup(root, name('b'))).ino, a.ino)
  await names.rename(root, name('a'), root, name('b'))
  await t.rejects(names.lookup(root, name('a')), { code: 'NOT_FOUND' })
})

t.test('names that are none are refused, and long ones', async t => {
  for (const bad of ['', '.', '..', 'a/b', 'a\0'])
    t.throws(() => checkName(name(bad)), { code: 'INVALID_ARGUMENT' }, bad)
  t.throws(() => checkName(Buffer.alloc(256, 'n')), { code: 'NAME_TOO_LONG' })
  checkName(Buffer.alloc(255, 'n'))
  for (const good of ['...', '.a', 'a.', '-']) checkName(name(good))
  checkName(Buffer.of(0xff))
})
