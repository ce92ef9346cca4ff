import t from 'tap'
import { ChunkRecords } from '../../../src/master/state/chunks.js'
import { indexKey, numberKey } from '../../../src/master/state/keys.js'
import { MemoryStore } from '../../../src/master/state/memory-store.js'
import type { ChunkHandle, Ino } from '../../../src/wire/ids.js'

function record(handle: number, ino: number, index: number) {
  const versions = { version: 4, settledVersion: 3, replicaCount: 2, goal: 3 }
  const usage = { allocatedBytes: 4096, usageLeaseId: 8, usageSerial: 9, placed: ['s1'] }
  return { handle: handle as ChunkHandle, ino: ino as Ino, index, ...versions, ...usage }
}

t.test('chunks are found by handle, by place, and in the order of places', async t => {
  const store = new MemoryStore()
  const chunks = new ChunkRecords(store)
  const [a, b, c, other] = [record(9, 1, 0), record(5, 1, 3), record(7, 1, 300), record(6, 2, 0)]
  store.transaction(() => {
    for (const each of [a, b, c, other]) chunks.put(each)
  })
  t.same(chunks.find(5), b)
  t.same(chunks.at(1, 300), c)
  t.equal(chunks.at(1, 1), undefined)
  t.same(chunks.ofFile(1, 0, 4), [a, b])
  t.same(chunks.ofFile(1, 1, 300), [b, c])
  t.same(chunks.ofFile(1, 1, 2), [])
  t.same(chunks.page(1, 1, 1), [b])
  t.same(
    [...chunks.all()].map(({ handle }) => handle),
    [5, 6, 7, 9],
  )
  store.transaction(() => chunks.remove(b))
  t.same([chunks.find(5), chunks.at(1, 3)], [undefined, undefined])
})

t.test('the table may change while all of it is walked', async t => {
  const store = new MemoryStore()
  const chunks = new ChunkRecords(store)
  store.transaction(() => {
    for (let handle = 1; handle <= 3000; handle++) chunks.put(record(handle, 1, handle))
  })
  const seen: number[] = []
  for (const { handle } of chunks.all()) {
    seen.push(handle)
    if (handle === 1000) store.transaction(() => chunks.remove(record(2500, 1, 2500)))
  }
  t.equal(seen.length, 2999)
  t.notOk(seen.includes(2500))
})

t.test('a listed chunk without a record is damage', async t => {
  const store = new MemoryStore()
  store.transaction(() => store.table('fileChunks').put(indexKey(1, 0), numberKey(5)))
  t.throws(() => new ChunkRecords(store).at(1, 0), { code: 'CORRUPT' })
})
