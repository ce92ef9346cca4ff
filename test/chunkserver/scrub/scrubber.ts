import t, { type Test } from 'tap'
import { silentLog } from '../../../src/base/log.js'
import { SimulatedClock } from '../../../src/base/simulated-clock.js'
import { day, hour, MiB, minute } from '../../../src/base/units.js'
import { scrubYieldMs, scrubYieldsMax } from '../../../src/chunkserver/limits.js'
import { Damage } from '../../../src/chunkserver/scrub/damage.js'
import { nothingScrubbed, type ScrubState } from '../../../src/chunkserver/scrub/scrub-state.js'
import { Scrubber } from '../../../src/chunkserver/scrub/scrubber.js'
import { MemoryDisk, MemoryStore } from '../../../src/chunkserver/store/memory-store.js'
import type { ChunkHandle } from '../../../src/wire/ids.js'

interface Given {
  readonly bytesPerSecond?: number
  readonly disk?: MemoryDisk
  readonly clock?: SimulatedClock
  readonly state?: ScrubState
  readonly isBusy?: () => boolean
}

/** Three replicas of 4 MiB each, unless the disk has some, and a scrubber of 1 MiB a second. */
async function started(t: Test, given: Given = {}) {
  const { bytesPerSecond = MiB, disk = new MemoryDisk(), clock = new SimulatedClock(), isBusy = () => false } = given
  const store = new MemoryStore(disk)
  for (const handle of [1, 2, 3]) {
    if (given.disk) break
    await store.create(handle as ChunkHandle, 1)
    await store.write(handle as ChunkHandle, 0, [Buffer.alloc(4 * MiB, handle)])
  }
  disk.dirty.clear()
  const saved = { state: given.state ?? nothingScrubbed }
  const gone: number[] = []
  const verified: number[] = []
  const { verify } = store
  store.verify = async (handle, first, end) => {
    verified.push(handle)
    return await verify.call(store, handle, first, end)
  }
  const damage = new Damage({ store, log: silentLog, changed: () => {} })
  const scrubber = new Scrubber({
    ...{ store, damage, isBusy, bytesPerSecond, clock, log: silentLog },
    replicas: { isFailed: handle => handle === 77 },
    gone: async handle => void gone.push(handle),
    state: {
      load: async () => saved.state,
      save: async state => {
        saved.state = state
      },
    },
  })
  t.teardown(() => scrubber.close())
  scrubber.start()
  await clock.advance(0)
  /** In small steps: work is done in between. */
  const pass = async (ms: number) => {
    for (let at = 0; at < ms; at += 500) await clock.advance(Math.min(500, ms - at))
  }
  return { store, disk, clock, damage, scrubber, saved, gone, verified, pass }
}

t.test('all replicas are read, no faster than they may be, and damage is found', async t => {
  const { disk, damage, scrubber, pass, saved } = await started(t)
  disk.corruptByte(3 as ChunkHandle, 2 * MiB)
  await pass(6_000)
  t.match(scrubber.status, { running: true, lastPassMs: 0 })
  t.ok(scrubber.status.verifiedBytes >= 5 * MiB && scrubber.status.verifiedBytes <= 8 * MiB)
  t.same(damage.of(3 as ChunkHandle), [])
  await pass(8_000)
  t.same(damage.of(3 as ChunkHandle), [128])
  t.match(scrubber.status, { running: false, foundBlocks: 1, verifiedBytes: 12 * MiB })
  t.ok(scrubber.status.lastPassMs > 0)
  t.match(saved.state, { position: 0, endedAt: scrubber.status.lastPassMs })
})

t.test('a pass begins once a day, or at the word of an operator', async t => {
  const { verified, pass, clock, scrubber } = await started(t)
  await pass(15_000)
  t.equal(verified.length, 12)
  for (let hours = 0; hours < 22; hours++) await clock.advance(hour)
  t.equal(verified.length, 12)
  scrubber.startPass(100 * MiB)
  await pass(2_000)
  t.equal(verified.length, 24)
  for (let at = 0; at < day + hour; at += 10 * minute) await clock.advance(10 * minute)
  await pass(15_000)
  t.equal(verified.length, 36)
})

t.test('nothing is read unasked at rate 0', async t => {
  const { verified, pass, scrubber } = await started(t, { bytesPerSecond: 0 })
  await pass(10_000)
  t.equal(verified.length, 0)
  scrubber.startPass(0)
  await pass(1_000)
  t.equal(verified.length, 12)
})

t.test('a server that is started again goes on where it was', async t => {
  const first = await started(t)
  await first.pass(5_500)
  await first.scrubber.close()
  const { state } = first.saved
  t.equal(state.position, 1, 'the second replica was not done')
  const second = await started(t, { disk: first.disk, clock: first.clock, state })
  await second.pass(12_000)
  t.same([...new Set(second.verified)], [2, 3])
})

t.test('clients go first, but not for ever', async t => {
  let isBusy = true
  const { verified, pass } = await started(t, { bytesPerSecond: 1000 * MiB, isBusy: () => isBusy })
  await pass(scrubYieldMs * (scrubYieldsMax - 1))
  t.equal(verified.length, 0)
  for (let at = 0; at < 3 * scrubYieldsMax; at++) await pass(scrubYieldMs)
  t.ok(verified.length >= 2 && verified.length <= 4, `${verified.length} while it is busy`)
  isBusy = false
  await pass(1_000)
  t.equal(verified.length, 12)
})

t.test('what is gone is given up, what is in doubt or failed is left to others', async t => {
  const { store, disk, gone, scrubber, verified, pass } = await started(t, { bytesPerSecond: 0 })
  disk.dirty.add(2 as ChunkHandle)
  await store.create(77 as ChunkHandle, 1)
  const { inspect, stat } = store
  store.inspect = async handle => (handle === 1 ? 'gone' : await inspect.call(store, handle))
  store.stat = handle => {
    const stored = stat.call(store, handle)
    return stored && handle === 2 ? { ...stored, doubtful: true } : stored
  }
  store.strangers = async () => ['00/0000000000000100.chunk']
  scrubber.startPass(0)
  await pass(2_000)
  t.same(gone, [1])
  t.notOk(verified.includes(2) || verified.includes(77))
  t.match(scrubber.status, { goneReplicas: 1, strangeFiles: 1 })
})
