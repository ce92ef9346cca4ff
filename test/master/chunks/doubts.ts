import t from 'tap'
import { Doubts } from '../../../src/master/chunks/doubts.js'
import type { ChunkHandle, LeaseId, ServerId } from '../../../src/wire/ids.js'

const [one, two] = [1 as ChunkHandle, 2 as ChunkHandle]
const [a, b] = ['a' as ServerId, 'b' as ServerId]

t.test('a lost order concerns all replicas, a report that of its server', async t => {
  const doubts = new Doubts()
  doubts.orderLost(one)
  doubts.reported(two, a)
  t.ok(doubts.isAmongAll(one))
  t.notOk(doubts.concerns(one, a))
  t.notOk(doubts.isAmongAll(two))
  t.ok(doubts.concerns(two, a))
  t.notOk(doubts.concerns(two, b))
  t.same([...doubts.handles()], [one, two])
  doubts.resolved(one)
  t.notOk(doubts.has(one))
})

t.test('replicas left behind are in doubt no more', async t => {
  const doubts = new Doubts()
  doubts.reported(one, a)
  doubts.leftBehind(one, [a])
  t.notOk(doubts.has(one))
  doubts.orderLost(one)
  doubts.reported(one, a)
  doubts.leftBehind(one, [a])
  t.ok(doubts.has(one), 'the others may still differ')
  doubts.leftBehind(two, [a])
})

t.test('a server that goes takes its doubts along', async t => {
  const doubts = new Doubts()
  doubts.reported(one, a)
  doubts.reported(two, a)
  doubts.reported(two, b)
  doubts.serverGone(a)
  t.notOk(doubts.has(one))
  t.ok(doubts.concerns(two, b))
})

t.test('an order that secondaries follow and nobody leads is lost; later reports are not looked at', async t => {
  const doubts = new Doubts()
  doubts.follows(one, 5 as LeaseId)
  doubts.follows(one, 4 as LeaseId)
  doubts.follows(two, 6 as LeaseId)
  doubts.leasesKnown(handle => (handle === two ? (6 as LeaseId) : undefined))
  t.same([...doubts.handles()], [one])
  doubts.follows(two, 9 as LeaseId)
  doubts.leasesKnown(() => undefined)
  t.same([...doubts.handles()], [one])
})
