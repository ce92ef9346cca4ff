import t from 'tap'
import { appliedIdsMax } from '../../../src/chunkserver/limits.js'
import { AppliedMutations } from '../../../src/chunkserver/mutations/applied-mutations.js'
import { RememberedMutations } from '../../../src/chunkserver/mutations/remembered-mutations.js'
import type { SessionId } from '../../../src/wire/ids.js'

const order = { done: Promise.resolve() }
const mutation = (counter: number) => ({ id: { client: 1 as SessionId, counter }, key: `1:${counter}` })

t.test('a mutation is found while it is under way and when it is done', async t => {
  const remembered = new RememberedMutations(new AppliedMutations())
  t.equal(remembered.find('1:1'), undefined)
  remembered.begin(mutation(1), 5, order)
  t.same(remembered.find('1:1'), { serial: 5, order })
  remembered.complete(mutation(1))
  t.same(remembered.find('1:1'), { serial: 5 })
})

t.test('what this replica alone has applied is not done', async t => {
  const applied = new AppliedMutations()
  const remembered = new RememberedMutations(applied)
  remembered.begin(mutation(1), 5, order)
  applied.note('1:1', { ...mutation(1), serial: 5 })
  t.same(remembered.find('1:1'), { serial: 5, order })
})

t.test('what was applied under earlier leases is done', async t => {
  const applied = new AppliedMutations()
  applied.note('1:1', { ...mutation(1), serial: 70 })
  t.same(new RememberedMutations(applied).find('1:1'), { serial: 70 })
})

t.test('the latest done are kept, and all that are under way', async t => {
  const applied = new AppliedMutations()
  const remembered = new RememberedMutations(applied)
  const count = 2 * appliedIdsMax
  for (let serial = 1; serial <= count; serial++) {
    remembered.begin(mutation(serial), serial, order)
    applied.note(`1:${serial}`, { ...mutation(serial), serial })
  }
  for (let serial = 1; serial <= 3; serial++) remembered.complete(mutation(serial))
  t.same(remembered.find('1:3'), { serial: 3 }, 'though much was applied here since')
  t.same(remembered.find(`1:${count}`), { serial: count, order })
  for (let serial = 4; serial <= count; serial++) remembered.complete(mutation(serial))
  t.equal(remembered.find(`1:${count - appliedIdsMax}`), undefined)
  t.same(remembered.find(`1:${count - appliedIdsMax + 1}`), { serial: count - appliedIdsMax + 1 })
  remembered.complete(mutation(count + 99))
})
