import t from 'tap'
import { SeededRandom } from '../../../src/base/random.js'
import { ReplicaMap } from '../../../src/master/chunks/replica-map.js'
import type { ChunkHandle } from '../../../src/wire/ids.js'

/** Everything in the map, in steps of `count`. */
function entriesOf(map: ReplicaMap, count: number): [number, number][] {
  const all: [number, number][] = []
  for (let cursor: number | undefined = 0; cursor !== undefined; ) {
    const { entries, next } = map.slice(cursor, count)
    all.push(...entries)
    cursor = next
  }
  return all.sort(([a], [b]) => a - b)
}

t.test('an empty map has nothing', async t => {
  const map = new ReplicaMap()
  t.equal(map.get(1 as ChunkHandle), 0)
  t.equal(map.delete(1 as ChunkHandle), false)
  t.same(entriesOf(map, 3), [])
})

t.test('it does what a Map does', async t => {
  for (const seed of [1, 2, 3]) {
    const random = new SeededRandom(seed)
    const map = new ReplicaMap()
    const model = new Map<number, number>()
    for (let step = 0; step < 20_000; step++) {
      // Few handles, so that runs form and break; of two epochs, as the master makes them.
      const handle = (Math.floor(random.next() * 400) + 1 + (random.next() < 0.5 ? 2 ** 32 : 0)) as ChunkHandle
      if (random.next() < 0.5) {
        const version = 1 + Math.floor(random.next() * 9)
        map.set(handle, version)
        model.set(handle, version)
      } else if (map.delete(handle) !== model.delete(handle)) t.fail('delete() is wrong about what was there')
    }
    t.equal(map.size, model.size)
    t.same(
      entriesOf(map, 7),
      [...model].sort(([a], [b]) => a - b),
    )
    for (let handle = 1; handle <= 401; handle++) {
      if (map.get(handle as ChunkHandle) !== (model.get(handle) ?? 0)) t.fail(`get(${handle}) is wrong`)
    }
  }
})

t.test('it grows', async t => {
  const map = new ReplicaMap()
  for (let handle = 1; handle <= 100_000; handle++) map.set((2 ** 33 + handle) as ChunkHandle, handle)
  t.equal(map.size, 100_000)
  t.equal(map.get((2 ** 33 + 77_777) as ChunkHandle), 77_777)
  t.equal(map.get(77_777 as ChunkHandle), 0)
})

t.test('the largest handle and version fit', async t => {
  const map = new ReplicaMap()
  map.set(Number.MAX_SAFE_INTEGER as ChunkHandle, 2 ** 32 - 1)
  t.equal(map.get(Number.MAX_SAFE_INTEGER as ChunkHandle), 2 ** 32 - 1)
})
