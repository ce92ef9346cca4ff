import t from 'tap'
import { Slots } from '../../src/client/slots.js'

t.test('no more than so many are taken; who comes later waits in line', async t => {
  const slots = new Slots(2)
  t.equal(slots.take(), undefined)
  t.equal(slots.take(), undefined)
  const got: string[] = []
  const first = slots.take()?.then(() => got.push('first'))
  const second = slots.take()?.then(() => got.push('second'))
  await Promise.resolve()
  t.same(got, [])
  slots.give()
  await first
  t.same(got, ['first'])
  slots.give()
  await second
  t.same(got, ['first', 'second'])
})

t.test('what is given back with no one waiting is there for the next', async t => {
  const slots = new Slots(1)
  slots.take()
  slots.give()
  t.equal(slots.take(), undefined)
  t.ok(slots.take())
})
