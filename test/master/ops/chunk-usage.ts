import t from 'tap'
import { chunkSize } from '../../../src/constants.js'
import { checkUsage, usagesMax } from '../../../src/master/ops/chunk-usage.js'
import { checkAllocate, checkRaise, checkSettle } from '../../../src/master/ops/chunks.js'
import type { ChunkUsage } from '../../../src/wire/gen/common.js'
import type { ChunkHandle, Ino, ServerId } from '../../../src/wire/ids.js'
import { type Namespace, onEachStore, root } from '../harness/namespace.js'

async function fileWithChunks(fs: Namespace, name: string, count: number): Promise<Ino> {
  const { ino } = await fs.make(root, name)
  const chunks = Array.from({ length: count }, (_, index) => ({ index, replicaCount: 3 }))
  await fs.submit(state => checkAllocate(state, ino as Ino, chunks))
  return ino as Ino
}

function report(handle: number, allocatedBytes: number, leaseId = 1, serial = 1): ChunkUsage {
  return { index: 0, handle, leaseId, serial, allocatedBytes }
}

async function written(fs: Namespace, ino: number, ...usage: ChunkUsage[]): Promise<number> {
  await fs.change({ $case: 'written', value: { ino, size: 1, mtime: undefined, usage } })
  return fs.stat(ino).allocatedBytes
}

onEachStore(t, 'a file has as much as its chunks, by the newest report of each', async (t, fs) => {
  const ino = await fileWithChunks(fs, 'a', 3)
  t.equal(await written(fs, ino, report(1, 100), report(2, 1000)), 1100)
  t.equal(await written(fs, ino, report(1, 200, 1, 2)), 1200, 'a higher serial')
  t.equal(await written(fs, ino, report(1, 50, 1, 1)), 1200, 'an older one')
  t.equal(await written(fs, ino, report(1, 50, 1, 2)), 1200, 'the same again')
  t.equal(await written(fs, ino, report(1, 10, 2, 1)), 1010, 'another lease')
  t.equal(await written(fs, ino, report(1, 500, 1, 99)), 1010, 'the lease before it')
  t.equal(await written(fs, ino, report(3, 1, 5, 1), report(3, 2, 5, 2)), 1012, 'two of one chunk')
})

onEachStore(t, 'a new version takes nothing away; the next primary’s reports win', async (t, fs) => {
  const ino = await fileWithChunks(fs, 'a', 1)
  await written(fs, ino, report(1, 100, 7, 30))
  await fs.submit(state => checkRaise(state, 1 as ChunkHandle, 1, 2))
  await fs.submit(state => checkSettle(state, 1 as ChunkHandle, 2))
  t.match(fs.state.chunks.find(1), { version: 2, allocatedBytes: 100, usageLeaseId: 7, usageSerial: 30 })
  t.equal(await written(fs, ino, report(1, 60, 8, 1)), 60)
})

onEachStore(t, 'chunks that are dropped take theirs along', async (t, fs) => {
  const ino = await fileWithChunks(fs, 'a', 3)
  await written(fs, ino, report(1, 100), report(2, 1000), report(3, 10_000))
  await fs.setAttributes(ino, { size: 3 * chunkSize })
  t.equal((await fs.setAttributes(ino, { size: 2 * chunkSize })).allocatedBytes, 1100)
  const cut = await fs.setAttributes(ino, { size: chunkSize + 5, usage: [report(2, 5, 1, 2), report(3, 7, 1, 2)] })
  t.equal(cut.allocatedBytes, 105, 'the last one was cut, the one beyond it is gone')
  t.equal(await written(fs, ino, report(3, 10_000, 9, 9)), 105)
  t.equal((await fs.setAttributes(ino, { size: 0 })).allocatedBytes, 0)
})

onEachStore(t, 'reports on other files’ chunks, and on none, mean nothing', async (t, fs) => {
  const [a, b] = [await fileWithChunks(fs, 'a', 1), await fileWithChunks(fs, 'b', 1)]
  t.equal(await written(fs, b, report(1, 100), report(99, 100)), 0)
  t.equal(fs.stat(a).allocatedBytes, 0)
  t.same(checkUsage(fs.state, b, [report(1, 1), report(2, 1)]), [report(2, 1)], 'and are not journaled')
})

onEachStore(t, 'what no chunk can hold is refused', async (t, fs) => {
  const ino = await fileWithChunks(fs, 'a', 1)
  await t.rejects(written(fs, ino, report(1, chunkSize + 1)), { code: 'INVALID_ARGUMENT' })
  const many = Array.from({ length: usagesMax + 1 }, () => report(1, 1))
  await t.rejects(written(fs, ino, ...many), { code: 'INVALID_ARGUMENT' })
})

onEachStore(
  t,
  'once something is reported of a chunk, where it was to be made does not matter any more',
  async (t, fs) => {
    const { ino } = await fs.make(root, 'a')
    const chunks = [{ index: 0, replicaCount: 1, placed: ['s1' as ServerId] }]
    await fs.submit(state => checkAllocate(state, ino as Ino, chunks))
    t.match(fs.state.chunks.find(1), { placed: ['s1'] })
    await written(fs, ino, report(1, 0))
    t.same(fs.state.chunks.find(1)?.placed, [])
  },
)
