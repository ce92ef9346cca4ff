import t from 'tap'
import { type Deferred, deferred } from '../../src/base/deferred.js'
import { LeasefsError } from '../../src/base/errors.js'
import { silentLog } from '../../src/base/log.js'
import { SimulatedClock } from '../../src/base/simulated-clock.js'
import { AccessTimes } from '../../src/client/access-times.js'
import { attributesFromWire } from '../../src/client/attributes.js'
import type { Timestamp } from '../../src/client/file-system.js'
import { accessTimesInFlightMax, accessTimesPendingMax } from '../../src/client/limits.js'
import type { Ino } from '../../src/wire/ids.js'
import { attributesOf } from './harness/master.js'

const ino = (value: number) => value as Ino
const view = (times: AccessTimes, of: number) => times.view(attributesFromWire(attributesOf(of))).atime

function make() {
  const clock = new SimulatedClock()
  const told: { ino: Ino; atime: Timestamp; answer: Deferred<void> }[] = []
  const accessed = (ino: Ino, atime: Timestamp) => {
    const answer = deferred<void>()
    told.push({ ino, atime, answer })
    return answer.promise
  }
  return { clock, told, times: new AccessTimes({ accessed }, clock, silentLog) }
}

t.test('a time is told at once, one of an inode after the other, the last of those that came meanwhile', async t => {
  const { times, told, clock } = make()
  const moments: Timestamp[] = []
  for (let count = 0; count < 3; count++) {
    times.note(ino(5))
    moments.push(view(times, 5))
    await clock.advance(1000)
  }
  t.equal(told.length, 1)
  t.same(view(times, 5), moments[2], 'it is shown before the master has heard')
  told[0]?.answer.resolve()
  await clock.advance(0)
  t.match(told, [{ atime: moments[0] }, { ino: 5, atime: moments[2] }])
  told[1]?.answer.reject(new LeasefsError('NOT_FOUND', 'gone'))
  await clock.advance(0)
  t.same(view(times, 5), { seconds: 1, nanos: 0 }, 'then the master knows best')
  t.equal(told.length, 2)
})

t.test('no more are under way, or wait, than the limits say', async t => {
  const { times, told, clock } = make()
  const count = accessTimesInFlightMax + accessTimesPendingMax + 1
  for (let number = 1; number <= count; number++) times.note(ino(number))
  t.equal(told.length, accessTimesInFlightMax)
  t.same(view(times, accessTimesInFlightMax + 1), { seconds: 1, nanos: 0 }, 'the oldest that waited is dropped')
  for (let number = 0; number < told.length; number++) {
    told[number]?.answer.resolve()
    await Promise.resolve()
  }
  await clock.advance(0)
  for (const { answer } of told) answer.resolve()
  await clock.advance(0)
  t.ok(told.length > accessTimesInFlightMax)
})

t.test('a time that is set is not undone by a read before it', async t => {
  const { times, told, clock } = make()
  for (let count = 0; count < 2; count++) times.note(ino(5))
  times.forget(ino(5))
  t.same(view(times, 5), { seconds: 1, nanos: 0 })
  told[0]?.answer.resolve()
  await clock.advance(0)
  t.equal(told.length, 1)
})
