import t from 'tap'
import { SimulatedClock } from '../../../src/base/simulated-clock.js'
import { progressMs, sliceMs, sliceRows } from '../../../src/master/fsck/limits.js'
import { Slices } from '../../../src/master/fsck/slices.js'

t.test('work rests when its slice is over, and stops when nobody wants it any more', async t => {
  const clock = new SimulatedClock()
  const stop = new AbortController()
  const slices = new Slices(clock, stop.signal, () => {})
  const rows = () => Array.from({ length: sliceRows }, () => slices.row()).filter(rest => rest !== undefined)
  t.same(rows(), [])
  await clock.advance(sliceMs)
  const [rest] = rows()
  t.ok(rest)
  await rest
  t.same(rows(), [])
  stop.abort()
  await t.rejects(slices.rest(), { code: 'CANCELLED' })
  await t.rejects(slices.sleep(1000), { code: 'CANCELLED' })
})

t.test('how far it is is told now and then', async t => {
  const clock = new SimulatedClock()
  const told: string[] = []
  const slices = new Slices(clock, new AbortController().signal, text => told.push(text))
  slices.tell('a', 0)
  slices.tell('b', 0)
  await clock.advance(progressMs)
  slices.tell('c', 1)
  t.same(told, ['a', 'c'])
})
