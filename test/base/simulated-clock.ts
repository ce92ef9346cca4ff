import t from 'tap'
import { SimulatedClock } from '../../src/base/simulated-clock.js'

t.test('time stands still until it is advanced, and then stops where it should', async t => {
  const clock = new SimulatedClock()
  t.equal(clock.now(), 0)
  await clock.advance(1234)
  t.equal(clock.now(), 1234)
})

t.test('timers run when due, in order of time and then of making', async t => {
  const clock = new SimulatedClock()
  const ran: string[] = []
  clock.after(20, () => ran.push(`c at ${clock.now()}`))
  clock.after(10, () => ran.push(`a at ${clock.now()}`))
  clock.after(10, () => ran.push(`b at ${clock.now()}`))
  const cancel = clock.after(10, () => ran.push('never'))
  cancel()
  await clock.advance(9)
  t.same(ran, [])
  await clock.advance(11)
  t.same(ran, ['a at 10', 'b at 10', 'c at 20'])
})

t.test('a loop of sleeps runs as often as time allows', async t => {
  const clock = new SimulatedClock()
  const at: number[] = []
  const loop = async () => {
    for (let i = 0; i < 3; i++) {
      await clock.sleep(10)
      at.push(clock.now())
    }
  }
  const done = loop()
  await clock.advance(100)
  await done
  t.same(at, [10, 20, 30])
})

t.test('a sleep ends early when it is aborted', async t => {
  const clock = new SimulatedClock()
  const abort = new AbortController()
  const sleep = clock.sleep(10, abort.signal)
  abort.abort()
  await t.rejects(sleep, { name: 'AbortError' })
  await t.rejects(clock.sleep(10, abort.signal), { name: 'AbortError' })
})
