import t from 'tap'
import { xattrNameLengthMax, xattrTotalLengthMax, xattrValueLengthMax } from '../../../src/constants.js'
import { type Namespace, onEachStore, root } from '../harness/namespace.js'

function setXattr(
  fs: Namespace,
  ino: number,
  name: string,
  value: string | Buffer,
  flags: { readonly createOnly?: boolean; readonly replaceOnly?: boolean } = {},
) {
  const xattr = { ino, name: Buffer.from(name), value: Buffer.from(value) }
  return fs.change({ $case: 'setXattr', value: { ...xattr, createOnly: false, replaceOnly: false, ...flags } })
}

function removeXattr(fs: Namespace, ino: number, name: string) {
  return fs.change({ $case: 'removeXattr', value: { ino, name: Buffer.from(name) } })
}

onEachStore(t, 'attributes are set, replaced and removed, and ctime moves', async (t, fs) => {
  const file = await fs.make(root, 'a')
  await fs.tick()
  await setXattr(fs, file.ino, 'user.a', 'one')
  await setXattr(fs, file.ino, 'user.a', 'two')
  await setXattr(fs, file.ino, 'user.b', '')
  t.same(String(fs.state.xattrs.find(file.ino, Buffer.from('user.a'))), 'two')
  t.notSame(fs.stat(file.ino).ctime, file.ctime)
  t.same(fs.stat(file.ino).mtime, file.mtime)
  await removeXattr(fs, file.ino, 'user.a')
  t.same(
    fs.state.xattrs.list(file.ino).map(({ name }) => String(name)),
    ['user.b'],
  )
  await fs.unlink(root, 'a')
  t.same(fs.state.xattrs.list(file.ino), [], 'they go with the inode')
})

onEachStore(t, 'create and replace say so when they cannot', async (t, fs) => {
  await setXattr(fs, root, 'user.a', '1', { createOnly: true })
  await setXattr(fs, root, 'user.a', '2', { replaceOnly: true })
  await t.rejects(setXattr(fs, root, 'user.a', '3', { createOnly: true }), { code: 'ALREADY_EXISTS' })
  await t.rejects(setXattr(fs, root, 'user.b', '3', { replaceOnly: true }), { code: 'NO_ATTRIBUTE' })
  await t.rejects(removeXattr(fs, root, 'user.b'), { code: 'NO_ATTRIBUTE' })
  t.equal(String(fs.state.xattrs.find(root, Buffer.from('user.a'))), '2')
})

onEachStore(t, 'the limits hold', async (t, fs) => {
  const value = (length: number) => Buffer.alloc(length, 'v')
  await t.rejects(setXattr(fs, root, 'user.a', value(xattrValueLengthMax + 1)), { code: 'TOO_BIG' })
  await t.rejects(setXattr(fs, root, 'x'.repeat(xattrNameLengthMax + 1), ''), { code: 'OUT_OF_RANGE' })
  await t.rejects(setXattr(fs, root, '', ''), { code: 'OUT_OF_RANGE' })
  await t.rejects(setXattr(fs, root, 'a\0', ''), { code: 'INVALID_ARGUMENT' })
  const both = { createOnly: true, replaceOnly: true }
  await t.rejects(setXattr(fs, root, 'user.a', '', both), { code: 'INVALID_ARGUMENT' })
  await t.rejects(setXattr(fs, 999, 'user.a', ''), { code: 'NOT_FOUND' })
  await t.rejects(removeXattr(fs, 999, 'user.a'), { code: 'NOT_FOUND' })

  await setXattr(fs, root, 'a', value(xattrValueLengthMax))
  const rest = xattrTotalLengthMax - xattrValueLengthMax - 2
  await t.rejects(setXattr(fs, root, 'b', value(rest + 1)), { code: 'NO_SPACE' })
  await setXattr(fs, root, 'b', value(rest))
  await setXattr(fs, root, 'b', value(rest), { replaceOnly: true })
})
