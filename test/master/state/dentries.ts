import t from 'tap'
import { Dentries } from '../../../src/master/state/dentries.js'
import { MemoryStore } from '../../../src/master/state/memory-store.js'

t.test('entries are found by name, and paged after a name', async t => {
  const store = new MemoryStore()
  const dentries = new Dentries(store)
  const put = (parent: number, name: string, ino: number) => dentries.put(parent, Buffer.from(name, 'latin1'), ino)
  store.transaction(() => {
    put(1, 'a', 10)
    put(1, 'a\x01', 11)
    put(1, '\xff', 12)
    put(2, 'a', 20)
  })
  const page = (after: string, count: number) =>
    dentries.page(1, Buffer.from(after, 'latin1'), count).map(({ name, ino }) => `${name.toString('latin1')} ${ino}`)
  t.same(page('', 10), ['a 10', 'a\x01 11', '\xff 12'])
  t.same(page('a', 1), ['a\x01 11'])
  t.same(page('\xff', 1), [])
  t.equal(dentries.find(2, Buffer.from('a')), 20)
  t.equal(dentries.find(3, Buffer.from('a')), undefined)
  t.throws(() => dentries.get(3, Buffer.from('a')), { code: 'NOT_FOUND' })
  t.same([dentries.isEmpty(2), dentries.isEmpty(3)], [false, true])
  store.transaction(() => dentries.remove(2, Buffer.from('a')))
  t.ok(dentries.isEmpty(2))
})
