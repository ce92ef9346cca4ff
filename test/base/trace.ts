import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { SimulatedClock } from '../../src/base/simulated-clock.js'
import { openTrace } from '../../src/base/trace.js'

t.test('each event is a line with its time, who and what; several writers share a file', async t => {
  const path = join(t.testdir(), 'trace')
  const clock = new SimulatedClock()
  let name = 'early'
  const one = openTrace(path, clock, () => name)
  const two = openTrace(path, clock, () => 'two')

  one.trace('push.start', { bytes: 5, handle: '00a1' })
  name = 'late'
  two.trace('push.received', { bytes: 5, dataId: '1:2' })
  await clock.advance(1)
  one.trace('push.acked', {})
  one.close()
  two.close()

  const events = readFileSync(path, 'utf8')
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line))
  t.match(events, [
    { who: 'early', event: 'push.start', bytes: 5, handle: '00a1' },
    { who: 'two', event: 'push.received', dataId: '1:2' },
    { who: 'late', event: 'push.acked' },
  ])
  t.equal(BigInt(events[2].t) - BigInt(events[0].t), 1_000_000n, 'nanoseconds')
})
