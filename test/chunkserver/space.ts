import t from 'tap'
import { silentLog } from '../../src/base/log.js'
import { SimulatedClock } from '../../src/base/simulated-clock.js'
import { sweepMs } from '../../src/chunkserver/limits.js'
import { watchSpace } from '../../src/chunkserver/space.js'
import { MemoryStore } from '../../src/chunkserver/store/memory-store.js'

t.test('space is measured now and then, and a disk that cannot say is full', async t => {
  const clock = new SimulatedClock()
  const store = new MemoryStore()
  let freeBytes = 70
  let fails = false
  store.space = async () => {
    if (fails) throw new Error('EIO')
    return { totalBytes: 100, freeBytes }
  }
  const space = await watchSpace(store, clock, silentLog)
  t.same(space.latest, { totalBytes: 100, freeBytes: 70 })
  freeBytes = 60
  await clock.advance(sweepMs)
  t.equal(space.latest.freeBytes, 60)
  fails = true
  await clock.advance(sweepMs)
  t.same(space.latest, { totalBytes: 100, freeBytes: 0 })
  fails = false
  await clock.advance(sweepMs)
  t.equal(space.latest.freeBytes, 60)
  space.stop()
  freeBytes = 50
  await clock.advance(10 * sweepMs)
  t.equal(space.latest.freeBytes, 60)
})
