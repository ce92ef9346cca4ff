import t from 'tap'
import { RememberedMutations } from '../../../src/chunkserver/mutations/remembered-mutations.js'

const order = { done: Promise.resolve() }

t.test('a mutation is found while it is under way and when it is done', async t => {
  const remembered = new RememberedMutations(10)
  t.equal(remembered.find('1:1'), undefined)
  remembered.begin('1:1', 5, order)
  t.same(remembered.find('1:1'), { serial: 5, order })
  remembered.complete('1:1')
  t.same(remembered.find('1:1'), { serial: 5 })
})

t.test('the latest done are kept, and all that are under way', async t => {
  const remembered = new RememberedMutations(3)
  for (let serial = 1; serial <= 10; serial++) remembered.begin(`1:${serial}`, serial, order)
  for (let serial = 1; serial <= 6; serial++) remembered.complete(`1:${serial}`)
  const known = Array.from({ length: 10 }, (_, index) => remembered.find(`1:${index + 1}`)?.serial)
  t.same(known, [undefined, undefined, undefined, 4, 5, 6, 7, 8, 9, 10])
  remembered.complete('1:99')
})
