import t from 'tap'
import { SimulatedClock } from '../../../src/base/simulated-clock.js'
import { every } from '../../../src/master/chunks/duty.js'

t.test('a duty runs at once, and again after each pause, until it is stopped', async t => {
  const clock = new SimulatedClock()
  const stop = new AbortController()
  let runs = 0
  const done = every(100, clock, stop.signal, () => {
    runs++
  })
  await clock.advance(250)
  t.equal(runs, 3)
  stop.abort()
  await done
  await clock.advance(1_000)
  t.equal(runs, 3)
})

t.test('a slow duty never overlaps itself', async t => {
  const clock = new SimulatedClock()
  const stop = new AbortController()
  let under = 0
  let most = 0
  const done = every(100, clock, stop.signal, async () => {
    most = Math.max(most, ++under)
    await clock.sleep(500)
    under--
  })
  await clock.advance(3_000)
  t.equal(most, 1)
  stop.abort()
  await clock.advance(500)
  await done
})
