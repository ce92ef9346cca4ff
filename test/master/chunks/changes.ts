import t from 'tap'
import { SimulatedClock } from '../../../src/base/simulated-clock.js'
import { Changes } from '../../../src/master/chunks/changes.js'

t.test('a change wakes everyone who waits', async t => {
  const changes = new Changes(new SimulatedClock())
  const waiting = [changes.next(1_000), changes.next(1_000)]
  changes.announce()
  await t.resolves(Promise.all(waiting))
})

t.test('a wait ends without a change', async t => {
  const clock = new SimulatedClock()
  const changes = new Changes(clock)
  let over = false
  changes.next(1_000).then(() => {
    over = true
  })
  changes.announce()
  await clock.advance(0)
  t.ok(over)
  over = false
  changes.next(1_000).then(() => {
    over = true
  })
  await clock.advance(999)
  t.notOk(over)
  await clock.advance(1)
  t.ok(over)
})
