import t from 'tap'
import { SimulatedClock } from '../../../../src/base/simulated-clock.js'
import type { Ino } from '../../../../src/client/file-system.js'
import { InFlight } from '../../../../src/fuse/bindings/kernel/in-flight.js'
import { interruptGraceMs } from '../../../../src/fuse/bindings/kernel/limits.js'

const file = 5 as Ino
const asked = { operation: 'READ', pid: 7 }

function inFlight() {
  const clock = new SimulatedClock()
  return { clock, inFlight: new InFlight(clock) }
}

t.test('an inode is busy until the last request about it has ended', async t => {
  const { inFlight: it } = inFlight()
  const first = it.begin(2, file, asked)
  const second = it.begin(4, file, asked)
  t.equal(it.count, 2)
  t.equal(it.get(2), first)
  it.end(first)
  t.ok(it.isBusy(file))
  it.end(second)
  t.notOk(it.isBusy(file))
  t.equal(it.count, 0)
  t.equal(it.get(2), undefined)
})

t.test('a request may be about two inodes', async t => {
  const { inFlight: it } = inFlight()
  const flight = it.begin(2, file, asked)
  let heard = 0
  it.onBusy(6 as Ino, () => heard++)
  it.addTo(flight, 6 as Ino)
  t.equal(heard, 1)
  t.ok(it.isBusy(file))
  t.ok(it.isBusy(6 as Ino))
  it.end(flight)
  t.notOk(it.isBusy(file))
  t.notOk(it.isBusy(6 as Ino))
})

t.test('who wants to know hears of the next request about an inode, once', async t => {
  const { inFlight: it } = inFlight()
  const heard: string[] = []
  it.onBusy(file, () => heard.push('first'))
  it.onBusy(file, () => heard.push('second'))
  it.onBusy(file, () => heard.push('called off'))()
  it.onBusy(6 as Ino, () => heard.push('other'))
  it.end(it.begin(2, file, asked))
  t.same(heard, ['first', 'second'])
  it.end(it.begin(4, file, asked))
  t.equal(heard.length, 2)
})

t.test('an interrupted call is aborted at once, and given up a while later', async t => {
  const { clock, inFlight: it } = inFlight()
  const flight = it.begin(2, file, asked)
  const { signal } = flight
  let givenUp = 0
  it.interrupt(flight, () => givenUp++)
  t.ok(signal.aborted)
  await clock.advance(interruptGraceMs - 1)
  t.notOk(flight.answered)
  it.interrupt(flight, () => givenUp++)
  await clock.advance(1)
  t.equal(givenUp, 1, 'the second interrupt changes nothing')
  t.ok(flight.answered)
  t.ok(it.isBusy(file), 'its call has not ended')
  it.end(flight)
  t.notOk(it.isBusy(file))
})

t.test('a call that ends in time is not given up', async t => {
  const { clock, inFlight: it } = inFlight()
  const flight = it.begin(2, file, asked)
  it.interrupt(flight, () => t.fail('given up'))
  await clock.advance(interruptGraceMs / 2)
  it.end(flight)
  await clock.advance(interruptGraceMs)
  t.notOk(flight.answered)
  it.interrupt(flight, () => t.fail('given up'))
  await clock.advance(interruptGraceMs)
})

t.test('who asks for the signal after the interrupt gets one that is aborted', async t => {
  const { inFlight: it } = inFlight()
  const flight = it.begin(2, file, asked)
  it.interrupt(flight, () => {})
  t.ok(flight.signal.aborted)
})
