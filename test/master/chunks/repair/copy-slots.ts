import t from 'tap'
import { CopySlots } from '../../../../src/master/chunks/repair/copy-slots.js'
import type { ServerId } from '../../../../src/wire/ids.js'

const [a, b, c] = ['a', 'b', 'c'] as ServerId[] as [ServerId, ServerId, ServerId]
const limits = { inMax: 2, outMax: 1, totalMax: 2, bytesPerSecond: 100 }

t.test('copies are limited to a server, from a server, and in all, each kind by itself', async t => {
  const slots = new CopySlots({ repair: limits, drain: limits, rebalance: { ...limits, inMax: 1 } })
  t.equal(slots.bytesPerSecond('repair'), 50)
  const release = slots.take('repair', a, b)
  t.notOk(slots.freeOut('repair', a))
  t.ok(slots.freeOut('drain', a))
  t.ok(slots.freeIn('repair', b))
  slots.take('repair', c, b)
  t.notOk(slots.freeIn('repair', b))
  t.notOk(slots.anyFree('repair'))
  t.ok(slots.anyFree('drain'))
  t.equal(slots.underWay('repair'), 2)
  release()
  t.ok(slots.freeOut('repair', a) && slots.freeIn('repair', b) && slots.anyFree('repair'))
  t.equal(slots.outOf('repair', c), 1)
})
