import t from 'tap'
import { SystemClock } from '../../src/base/clock.js'

const clock = new SystemClock()

t.test('time goes on, and sleep waits for it', async t => {
  const before = clock.now()
  await clock.sleep(20)
  t.ok(clock.now() - before >= 19)
})

t.test('wall time is nanoseconds since the epoch', async t => {
  const ms = Number(clock.wallNs() / 1_000_000n)
  t.ok(Math.abs(ms - Date.now()) < 5000)
})

t.test('wall time is finer than a millisecond, and as exact', async t => {
  // Date.now() is cut, never rounded up: at a change of the millisecond it is exact.
  const before = Date.now()
  while (Date.now() === before);
  const driftNs = clock.wallNs() - BigInt(before + 1) * 1_000_000n
  t.ok(driftNs > -1_000_000n, `${driftNs} ns`)
})

t.test('wall time follows when the clock of the machine is set', async t => {
  const { now } = Date
  t.teardown(() => {
    Date.now = now
  })
  Date.now = () => now() + 3_600_000
  const ms = Number(clock.wallNs() / 1_000_000n)
  t.ok(Math.abs(ms - Date.now()) < 1000)
})

t.test('a sleep ends early with an AbortError', async t => {
  const abort = new AbortController()
  const sleep = clock.sleep(60_000, abort.signal)
  abort.abort()
  await t.rejects(sleep, { name: 'AbortError' })
})

t.test('what is to come after can be called off', async t => {
  let ran = ''
  clock.after(1, () => {
    ran += 'a'
  })
  clock.after(1, () => {
    ran += 'b'
  })()
  await clock.sleep(20)
  t.equal(ran, 'a')
})
