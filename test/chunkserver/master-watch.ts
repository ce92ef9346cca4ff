import t from 'tap'
import { silentLog } from '../../src/base/log.js'
import { SimulatedClock } from '../../src/base/simulated-clock.js'
import { seenSaveMs } from '../../src/chunkserver/limits.js'
import { MasterWatch } from '../../src/chunkserver/master-watch.js'
import type { MasterSeen, MasterStart } from '../../src/wire/history.js'

function open(seen?: MasterSeen) {
  const clock = new SimulatedClock()
  const saved: MasterSeen[] = []
  const disk = { isFull: false }
  const save = async (now: MasterSeen) => {
    if (disk.isFull) throw new Error('full')
    saved.push(now)
  }
  return { clock, saved, disk, watch: new MasterWatch({ clock, log: silentLog, seen, save }) }
}

const start = (epoch: number, index: number): MasterStart => ({ epoch, id: `start ${epoch}`, index })
const history = (index: number, ...starts: MasterStart[]) => ({ starts, index, lostEpoch: 0 })
const seen = { ...start(3, 50), index: 90 }

t.test('a master is remembered, at each of its starts and now and then', async t => {
  const { clock, saved, watch } = open()
  const first = start(1, 5)
  watch.registered(history(5, first))
  watch.registered(history(5, first))
  watch.advanced(7)
  watch.advanced(6)
  watch.advanced(undefined)
  await clock.advance(0)
  t.same(watch.seen, { ...first, index: 7 })
  t.same(saved, [first])
  await clock.advance(seenSaveMs)
  watch.advanced(9)
  watch.advanced(10)
  await clock.advance(0)
  t.same(saved.at(-1), { ...first, index: 9 })
  await watch.close()
  t.same(saved.at(-1), { ...first, index: 10 })
  watch.registered(history(15, first, start(2, 11)))
  await clock.advance(0)
  t.same([saved.at(-1), watch.seen], [start(2, 11), { ...start(2, 11), index: 15 }])
  t.notOk(watch.isOlder)
})

t.test('an older copy is told from the master that it was made of, and nothing of it is remembered', async t => {
  const { clock, saved, watch } = open(seen)
  watch.registered(history(200, start(3, 50), start(4, 60)))
  t.ok(watch.isOlder)
  watch.advanced(500)
  await clock.advance(seenSaveMs)
  t.same([watch.seen, saved], [seen, []])
  watch.registered(history(100, start(3, 50), start(4, 91)))
  t.notOk(watch.isOlder, 'the right one is back')
  watch.registered(undefined)
  t.notOk(watch.isOlder, 'one that says nothing of its history')
})

t.test('a master that knows of its loss is gone on with', async t => {
  const { watch } = open(seen)
  watch.registered({ ...history(60, start(1024, 60)), lostEpoch: 1024 })
  t.notOk(watch.isOlder)
  t.same(watch.seen, start(1024, 60))
})

t.test('a disk that takes nothing is tried again', async t => {
  const { clock, saved, disk, watch } = open()
  disk.isFull = true
  watch.registered(history(5, start(1, 5)))
  await clock.advance(0)
  disk.isFull = false
  await watch.close()
  t.same(saved, [start(1, 5)])
})
