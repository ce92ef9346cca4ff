import t from 'tap'
import { refusalOf } from '../../../src/fuse/operations/xattrs.js'
import { memoryOperations, name, root } from '../harness/memory-operations.js'

t.test('an attribute is set, read, listed and removed', async t => {
  const { xattrs } = memoryOperations().operations
  await xattrs.set(root, name('user.a'), name('1'), {})
  await xattrs.set(root, name('trusted.b'), name(''), { createOnly: true })
  t.equal(String(await xattrs.get(root, name('user.a'))), '1')
  t.equal(String(await xattrs.list(root)), 'user.a\0trusted.b\0')
  await t.rejects(xattrs.set(root, name('user.a'), name('2'), { createOnly: true }), { code: 'ALREADY_EXISTS' })
  await t.rejects(xattrs.set(root, name('user.c'), name('2'), { replaceOnly: true }), { code: 'NO_ATTRIBUTE' })
  await xattrs.remove(root, name('user.a'))
  await t.rejects(xattrs.get(root, name('user.a')), { code: 'NO_ATTRIBUTE' })
})

t.test('ACLs and capabilities are not stored, and say so', async t => {
  const { xattrs } = memoryOperations().operations
  const acl = name('system.posix_acl_access')
  const capability = name('security.capability')
  t.equal(refusalOf(acl), 'NOT_SUPPORTED')
  t.equal(refusalOf(capability), 'NO_ATTRIBUTE')
  t.equal(refusalOf(name('security.selinux')), undefined)
  await t.rejects(xattrs.get(root, capability), { code: 'NO_ATTRIBUTE' })
  for (const each of [acl, capability]) {
    await t.rejects(xattrs.set(root, each, name('x'), {}), { code: 'NOT_SUPPORTED' }, String(each))
  }
  await t.rejects(xattrs.remove(root, acl), { code: 'NOT_SUPPORTED' })
})
