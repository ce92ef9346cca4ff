import t from 'tap'
import { SimulatedClock } from '../../src/base/simulated-clock.js'
import { Watch } from '../../src/dataplane/watch.js'

function watch() {
  const clock = new SimulatedClock()
  const expired: number[] = []
  return { clock, expired, watch: new Watch(clock, () => expired.push(clock.now())) }
}

t.test('it expires once, when nothing has happened for the time set', async t => {
  const { clock, expired, watch: w } = watch()
  w.set(100)
  await clock.advance(60)
  w.touch()
  await clock.advance(90)
  t.same(expired, [])
  await clock.advance(1000)
  t.same(expired, [160])
})

t.test('it may be set shorter, longer, and again', async t => {
  const { clock, expired, watch: w } = watch()
  w.set(1000)
  w.set(10)
  await clock.advance(10)
  t.same(expired, [10])
  w.set(10)
  w.set(500)
  await clock.advance(400)
  t.same(expired, [10])
  await clock.advance(200)
  t.same(expired, [10, 510])
})

t.test('a stopped one does not expire', async t => {
  const { clock, expired, watch: w } = watch()
  w.set(10)
  w.stop()
  await clock.advance(100)
  t.same(expired, [])
})
