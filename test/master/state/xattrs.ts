import t from 'tap'
import { MemoryStore } from '../../../src/master/state/memory-store.js'
import { Xattrs } from '../../../src/master/state/xattrs.js'

t.test('attributes belong to one inode', async t => {
  const store = new MemoryStore()
  const xattrs = new Xattrs(store)
  store.transaction(() => {
    xattrs.put(1, Buffer.from('b'), Buffer.from('two'))
    xattrs.put(1, Buffer.from('a'), Buffer.alloc(0))
    xattrs.put(2, Buffer.from('a'), Buffer.from('other'))
  })
  t.same(xattrs.list(1), [
    { name: Buffer.from('a'), valueLength: 0 },
    { name: Buffer.from('b'), valueLength: 3 },
  ])
  t.same(xattrs.find(1, Buffer.from('b')), Buffer.from('two'))
  store.transaction(() => xattrs.remove(1, Buffer.from('b')))
  t.equal(xattrs.find(1, Buffer.from('b')), undefined)
  store.transaction(() => xattrs.removeAll(1))
  t.same([xattrs.list(1).length, xattrs.list(2).length], [0, 1])
})
