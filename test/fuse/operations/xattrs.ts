import t from 'tap'
import { caller, memoryOperations, name, root } from '../harness/memory-operations.js'

t.test('an attribute is set, read, listed and removed', async t => {
  const { xattrs } = memoryOperations().operations
  await xattrs.set(root, name('user.a'), name('1'), {})
  await xattrs.set(root, name('trusted.b'), name(''), { createOnly: true })
  t.equal(String(await xattrs.get(root, name('user.a'))), '1')
  t.equal(String(await xattrs.list(root, { uid: 0 })), 'user.a\0trusted.b\0')
  t.equal(String(await xattrs.list(root, caller)), 'user.a\0', 'what is in trusted. is shown to root alone')
  await t.rejects(xattrs.set(root, name('user.'), name('1'), {}), { code: 'INVALID_ARGUMENT' })
  await t.rejects(xattrs.set(root, name('user.a'), name('2'), { createOnly: true }), { code: 'ALREADY_EXISTS' })
  await t.rejects(xattrs.set(root, name('user.c'), name('2'), { replaceOnly: true }), { code: 'NO_ATTRIBUTE' })
  await xattrs.remove(root, name('user.a'))
  await t.rejects(xattrs.get(root, name('user.a')), { code: 'NO_ATTRIBUTE' })
})

t.test('capabilities are stored, ACLs are not and say so', async t => {
  const { xattrs } = memoryOperations().operations
  const capability = name('security.capability')
  await t.rejects(xattrs.get(root, capability), { code: 'NO_ATTRIBUTE' })
  await xattrs.set(root, capability, name('x'), {})
  t.equal(String(await xattrs.get(root, capability)), 'x')
  for (const acl of [name('system.posix_acl_access'), name('system.posix_acl_default'), name('other.a')]) {
    await t.rejects(xattrs.get(root, acl), { code: 'NOT_SUPPORTED' }, String(acl))
    await t.rejects(xattrs.set(root, acl, name('x'), {}), { code: 'NOT_SUPPORTED' })
    await t.rejects(xattrs.remove(root, acl), { code: 'NOT_SUPPORTED' })
  }
})
