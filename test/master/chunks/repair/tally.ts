import t from 'tap'
import { SimulatedClock } from '../../../../src/base/simulated-clock.js'
import { rateWindowMs } from '../../../../src/master/chunks/repair/limits.js'
import { Tally } from '../../../../src/master/chunks/repair/tally.js'

t.test('what was copied is counted by kind; the rate is that of the last seconds', async t => {
  const clock = new SimulatedClock()
  const tally = new Tally(clock)
  tally.copied('repair', rateWindowMs)
  tally.copied('drain', rateWindowMs)
  tally.failed()
  t.same([tally.replicas('repair'), tally.bytes('drain'), tally.failures], [1, rateWindowMs, 1])
  t.equal(tally.bytesPerSecond, 2000)
  await clock.advance(rateWindowMs)
  t.equal(tally.bytesPerSecond, 0)
  t.equal(tally.replicas('drain'), 1)
})
