import t from 'tap'
import { onEachStore, root } from '../harness/namespace.js'

onEachStore(t, 'attributes are read and listed, and may be cached', async (t, fs) => {
  for (const name of ['user.b', 'user.a']) {
    const xattr = { ino: root, name: Buffer.from(name), value: Buffer.from(`=${name}`) }
    await fs.change({ $case: 'setXattr', value: { ...xattr, createOnly: false, replaceOnly: false } })
  }
  const get = (ino: number, name: string) => fs.read({ $case: 'getXattr', value: { ino, name: Buffer.from(name) } })
  t.match(get(root, 'user.a'), { result: { value: Buffer.from('=user.a') }, cached: [root] })
  t.match(get(root, 'user.c'), { failure: { code: 'NO_ATTRIBUTE' }, cached: [root] })
  t.throws(() => get(999, 'user.a'), { code: 'NOT_FOUND' })
  t.throws(() => get(root, ''), { code: 'OUT_OF_RANGE' })
  const list = fs.read({ $case: 'listXattrs', value: { ino: root } })
  t.match(list, { result: { value: { names: [Buffer.from('user.a'), Buffer.from('user.b')] } }, cached: [root] })
  t.throws(() => fs.read({ $case: 'listXattrs', value: { ino: 999 } }), { code: 'NOT_FOUND' })
})
