import t from 'tap'
import { MiB } from '../../../src/base/units.js'
import { MemoryDisk, MemoryStore } from '../../../src/chunkserver/store/memory-store.js'
import type { ChunkHandle } from '../../../src/wire/ids.js'
import { chunkStoreSuite } from '../../suites/chunk-store.js'

const a = 1 as ChunkHandle

chunkStoreSuite(t, () => {
  const disk = new MemoryDisk()
  return {
    open: async () => new MemoryStore(disk),
    restart: async () => new MemoryStore(disk),
    corruptByte: (handle, offset) => disk.corruptByte(handle, offset),
  }
})

t.test('a crash of the machine takes what was not synced', async t => {
  const disk = new MemoryDisk()
  const store = new MemoryStore(disk)
  await store.create(a, 1)
  await store.write(a, 0, [Buffer.from('kept')])
  await store.sync(a)
  await store.write(a, 0, [Buffer.from('lost, and more')])
  await store.setVersion(a, 2)
  disk.loseUnsynced()
  t.same(store.stat(a), { handle: a, version: 2, length: 4, doubtful: false }, 'but not the version')
  t.equal(Buffer.concat((await store.read(a, 0, 100)).buffers).toString(), 'kept')
})

t.test('a full disk says so and changes nothing', async t => {
  const store = new MemoryStore(new MemoryDisk(MiB))
  await store.create(a, 1)
  await store.write(a, 0, [Buffer.alloc(MiB, 1)])
  await t.rejects(store.write(a, MiB, [Buffer.alloc(1)]), { code: 'NO_SPACE' })
  t.same(store.stat(a), { handle: a, version: 1, length: MiB, doubtful: false })
  await store.write(a, 0, [Buffer.alloc(10)])
})
