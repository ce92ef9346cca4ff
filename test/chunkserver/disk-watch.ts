import t from 'tap'
import { LeasefsError } from '../../src/base/errors.js'
import { silentLog } from '../../src/base/log.js'
import { SimulatedClock } from '../../src/base/simulated-clock.js'
import { DiskWatch } from '../../src/chunkserver/disk-watch.js'
import { diskProbeMs, sweepMs } from '../../src/chunkserver/limits.js'
import { MemoryStore } from '../../src/chunkserver/store/memory-store.js'

async function started() {
  const clock = new SimulatedClock()
  const store = new MemoryStore()
  const disk = { freeBytes: 70, fails: false, refuses: undefined as LeasefsError | undefined, probes: 0 }
  store.space = async () => {
    if (disk.fails) throw new Error('EIO')
    return { totalBytes: 100, freeBytes: disk.freeBytes }
  }
  store.probe = async () => {
    disk.probes++
    if (disk.refuses) throw disk.refuses
  }
  const watch = await DiskWatch.start(store, clock, silentLog)
  const pass = async (ms: number) => {
    for (let at = 0; at < ms; at += sweepMs) await clock.advance(sweepMs)
  }
  return { clock, disk, watch, pass }
}

t.test('space is measured now and then, and a disk that cannot say is full', async t => {
  const { clock, disk, watch } = await started()
  t.same(watch.latest, { totalBytes: 100, freeBytes: 70 })
  disk.freeBytes = 60
  await clock.advance(sweepMs)
  t.equal(watch.latest.freeBytes, 60)
  disk.fails = true
  await clock.advance(sweepMs)
  t.same(watch.latest, { totalBytes: 100, freeBytes: 0 })
  disk.fails = false
  await clock.advance(sweepMs)
  t.equal(watch.latest.freeBytes, 60)
  watch.stop()
  disk.freeBytes = 50
  await clock.advance(10 * sweepMs)
  t.equal(watch.latest.freeBytes, 60)
})

t.test('a disk that refused a write is in trouble until it takes one', async t => {
  const { disk, watch, pass } = await started()
  t.teardown(() => watch.stop())
  watch.failed(new LeasefsError('NOT_FOUND', 'no replica'))
  t.equal(watch.trouble, undefined, 'that says nothing of the disk')
  disk.refuses = new LeasefsError('NO_SPACE', 'still full')
  watch.failed(new LeasefsError('NO_SPACE', 'full'))
  t.match(watch.trouble, { code: 'NO_SPACE', message: 'full' })
  await pass(2 * diskProbeMs + sweepMs)
  t.match(watch.trouble, { code: 'NO_SPACE', message: 'still full' })
  t.equal(disk.probes, 2)
  disk.refuses = undefined
  await pass(diskProbeMs + sweepMs)
  t.equal(watch.trouble, undefined)
  await pass(diskProbeMs)
  t.equal(disk.probes, 3, 'a disk that is well is left in peace')
})

t.test('one that fails again and again is tried less and less often', async t => {
  const { disk, watch, pass } = await started()
  t.teardown(() => watch.stop())
  const probesIn = async (ms: number) => {
    const before = disk.probes
    await pass(ms)
    return disk.probes - before
  }
  watch.failed(new LeasefsError('IO', 'bad'))
  t.equal(await probesIn(diskProbeMs + sweepMs), 1)
  watch.failed(new LeasefsError('IO', 'bad'))
  t.equal(await probesIn(diskProbeMs + sweepMs), 0)
  t.equal(await probesIn(diskProbeMs), 1)
  watch.failed(new LeasefsError('IO', 'bad'))
  t.equal(await probesIn(3 * diskProbeMs), 0)
})
