import t from 'tap'
import { silentLog } from '../../../src/base/log.js'
import { damagedReplicasMax } from '../../../src/chunkserver/limits.js'
import { Damage } from '../../../src/chunkserver/scrub/damage.js'
import { MemoryDisk, MemoryStore } from '../../../src/chunkserver/store/memory-store.js'
import { checksumBlockSize as size } from '../../../src/constants.js'
import type { ChunkHandle } from '../../../src/wire/ids.js'

const a = 1 as ChunkHandle

async function started() {
  const disk = new MemoryDisk()
  const store = new MemoryStore(disk)
  await store.create(a, 1)
  await store.write(a, 0, [Buffer.alloc(4 * size, 'x')])
  const changed: number[] = []
  const damage = new Damage({ store, log: silentLog, changed: handle => changed.push(damage.count(handle)) })
  return { disk, store, damage, changed }
}

t.test('what is found is remembered until it is whole, and each change is told', async t => {
  const { damage, changed } = await started()
  damage.found(a, [3, 1])
  damage.found(a, [1])
  damage.found(a, [])
  t.same(damage.of(a), [1, 3])
  damage.whole(a, 3, 'restored')
  damage.whole(a, 3, 'restored')
  damage.whole(a, 1, 'not damaged')
  t.same(changed, [2, 0], 'the first number, and that it is over')
  t.same(damage.counts, { found: 2, mended: 1 })
  t.equal(damage.count(a), 0)
})

t.test('a read that failed shows which blocks are damaged', async t => {
  const { damage, disk } = await started()
  disk.corruptByte(a, 5)
  disk.corruptByte(a, 2 * size)
  damage.suspect(a, 10, 3 * size)
  damage.suspect(a, 10, 3 * size)
  await new Promise(resolve => setImmediate(resolve))
  t.same(damage.of(a), [0, 2])
  damage.suspect(9 as ChunkHandle, 0, 1)
  await new Promise(resolve => setImmediate(resolve))
  t.same(damage.of(9 as ChunkHandle), [], 'a replica that is not there has no damage')
})

t.test('there is a limit to what is remembered, and replicas that are gone do not count', async t => {
  const { damage, store } = await started()
  for (let handle = 2; handle < 2 + damagedReplicasMax; handle++) damage.found(handle as ChunkHandle, [0])
  damage.found(a, [0])
  t.equal(damage.count(a), 1, 'none of the others is there')
  for (let handle = 2; handle < 2 + damagedReplicasMax; handle++) {
    await store.create(handle as ChunkHandle, 1)
    damage.found(handle as ChunkHandle, [0])
  }
  t.equal(damage.count((1 + damagedReplicasMax) as ChunkHandle), 0, 'the last one is left for later')
})
