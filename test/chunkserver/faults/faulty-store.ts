import t from 'tap'
import { SystemClock } from '../../../src/base/clock.js'
import { SimulatedClock } from '../../../src/base/simulated-clock.js'
import { FaultyStore } from '../../../src/chunkserver/faults/faulty-store.js'
import { FaultPlan } from '../../../src/chunkserver/faults/plan.js'
import { MemoryDisk, MemoryStore } from '../../../src/chunkserver/store/memory-store.js'
import type { ChunkHandle } from '../../../src/wire/ids.js'
import { chunkStoreSuite } from '../../suites/chunk-store.js'

const a = 1 as ChunkHandle
const none = FaultPlan.parse('')

chunkStoreSuite(t, () => {
  const disk = new MemoryDisk()
  const open = async () => new FaultyStore({ store: new MemoryStore(disk), plan: () => none, clock: new SystemClock() })
  return { open, restart: open, corruptByte: (handle, offset) => disk.corruptByte(handle, offset) }
})

/** A store with a replica of ten bytes, and what makes it fail. */
async function faulty(clock = new SimulatedClock()) {
  let plan = none
  const store = new FaultyStore({ store: new MemoryStore(), plan: () => plan, clock })
  await store.create(a, 1)
  await store.write(a, 0, [Buffer.from('0123456789')])
  const set = (faults: object) => {
    plan = FaultPlan.parse(JSON.stringify(faults))
  }
  return { store, set, content: async () => Buffer.concat((await store.read(a, 0, 100)).buffers).toString() }
}

t.test('each kind of call fails as it should, and changes nothing', async t => {
  const { store, set, content } = await faulty()
  const b = 2 as ChunkHandle
  const calls: [string, () => Promise<unknown>][] = [
    ['read', () => store.read(a, 0, 1)],
    ['write', () => store.write(a, 0, [Buffer.from('x')])],
    ['write', () => store.truncate(a, 1)],
    ['write', () => store.zero(a, 0, 1)],
    ['write', () => store.allocate(a, 0, 100)],
    ['sync', () => store.sync(a)],
    ['create', () => store.create(b, 1)],
    ['delete', () => store.delete(a)],
    ['setVersion', () => store.setVersion(a, 2)],
  ]
  for (const [call, run] of calls) {
    for (const code of ['IO', 'NO_SPACE', 'CORRUPT']) {
      set({ [call]: { code } })
      await t.rejects(run(), { code }, `${call}: ${code}`)
    }
  }
  set({})
  t.match(store.stat(a), { version: 1, length: 10 })
  t.equal(store.stat(b), undefined)
  t.equal(await content(), '0123456789')
})

t.test('a torn write leaves its first half', async t => {
  const { store, set, content } = await faulty()
  set({ write: { code: 'IO', torn: true } })
  await t.rejects(store.write(a, 2, [Buffer.from('ab'), Buffer.from('cd')]), { code: 'IO' })
  set({})
  t.equal(await content(), '01ab456789')
})

t.test('a slow disk takes its time', async t => {
  const clock = new SimulatedClock()
  const { store, set } = await faulty(clock)
  set({ sync: { delayMs: 1000 } })
  let done = false
  const sync = store.sync(a).then(() => {
    done = true
  })
  await clock.advance(999)
  t.notOk(done)
  await clock.advance(1)
  await sync
  t.ok(done)
})

t.test('the disk has as much free as the plan says', async t => {
  const { store, set } = await faulty()
  const { totalBytes } = await store.space()
  set({ freeBytes: 5 })
  t.same(await store.space(), { totalBytes, freeBytes: 5 })
  set({ freeBytes: 2 * totalBytes })
  t.same(await store.space(), { totalBytes, freeBytes: totalBytes })
})
