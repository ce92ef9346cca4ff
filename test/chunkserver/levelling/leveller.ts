import t from 'tap'
import { LeasefsError } from '../../../src/base/errors.js'
import { SeededRandom } from '../../../src/base/random.js'
import { Leveller, type Source } from '../../../src/chunkserver/levelling/leveller.js'
import { levelPassesMax } from '../../../src/chunkserver/limits.js'
import { MemoryDisk, MemoryStore } from '../../../src/chunkserver/store/memory-store.js'
import { checksumBlockSize as block } from '../../../src/constants.js'
import type { ChunkHandle, SessionId } from '../../../src/wire/ids.js'

const handle = 0xa1 as ChunkHandle
const address = { host: 'h', port: 1 }
const source: Source = { control: address, data: address, version: 1 }
const bytesMax = 20 * block
const applied = [{ id: { client: 7 as SessionId, counter: 1 }, serial: 3 }]

/** Two replicas, the second of which is to become equal to the first. */
async function two(read = (there: MemoryStore, offset: number, length: number) => there.read(handle, offset, length)) {
  const [there, disk] = [new MemoryStore(), new MemoryDisk()]
  const here = new MemoryStore(disk)
  for (const store of [there, here]) await store.create(handle, 1)
  const fetched: number[] = []
  const leveller = new Leveller({
    store: here,
    data: {
      read: async (_, { offset, length }) => {
        fetched.push(length)
        return await read(there, offset, length)
      },
    },
    ask: async () => ({ ...(await there.checksums(handle)), applied }),
  })
  const equal = async () => {
    const [one, other] = await Promise.all([there, here].map(store => store.checksums(handle)))
    const contents = await Promise.all(
      [there, here].map(async store => (await store.read(handle, 0, bytesMax)).buffers),
    )
    const [bytes, others] = contents.map(buffers => Buffer.concat([...buffers]))
    t.same(other, one)
    return bytes?.equals(others ?? Buffer.alloc(0)) === true
  }
  return { there, here, disk, leveller, fetched, equal }
}

t.test('a replica becomes what its source is, and only what differs is fetched', async t => {
  const { there, here, leveller, fetched, equal } = await two()
  for (const store of [there, here]) await store.write(handle, 0, [Buffer.alloc(10 * block, 1)])
  await there.write(handle, 3 * block + 5, [Buffer.from('changed')])
  t.same(await leveller.level(handle, source), applied, 'and what is in its bytes')
  t.ok(await equal())
  t.same(fetched, [block])
})

t.test('levelled bytes are on the disk', async t => {
  const { there, disk, leveller } = await two()
  await there.write(handle, 0, [Buffer.from('written')])
  await leveller.level(handle, source)
  disk.loseUnsynced()
  const { buffers } = await new MemoryStore(disk).read(handle, 0, 100)
  t.equal(Buffer.concat(buffers).toString(), 'written')
})

t.test('replicas that random changes made different become equal', async t => {
  for (let seed = 1; seed <= 60; seed++) {
    const random = new SeededRandom(seed)
    const { there, here, leveller, equal } = await two()
    const below = (limit: number) => Math.floor(random.next() * limit)
    for (let step = 0; step < 12; step++) {
      const [offset, length] = [below(bytesMax / 2), 1 + below(bytesMax / 2)]
      const bytes = Buffer.alloc(length, below(3))
      const kind = below(4)
      const both = step < 6
      for (const store of both ? [there, here] : [below(2) ? there : here]) {
        if (kind === 0) await store.write(handle, offset, [bytes])
        if (kind === 1) await store.zero(handle, offset, length)
        if (kind === 2) await store.truncate(handle, offset)
        if (kind === 3) await store.allocate(handle, offset, length)
      }
    }
    await leveller.level(handle, source)
    if (!(await equal())) t.fail(`not equal with seed ${seed}`)
  }
})

t.test('a damaged block of ours that differs is fetched whole, and so healed', async t => {
  const { there, here, disk, leveller, equal } = await two()
  await here.write(handle, 0, [Buffer.alloc(3 * block, 1)])
  await there.write(handle, 0, [Buffer.alloc(2 * block + 100, 2)])
  disk.corruptByte(handle, 2 * block + 5)
  await leveller.level(handle, source)
  t.ok(await equal())
})

t.test('whose fault it is, is told', async t => {
  const fail = (code: 'IO' | 'CORRUPT' | 'STALE_VERSION') => () => Promise.reject(new LeasefsError(code, 'no'))
  for (const [there, here] of [
    ['IO', 'CORRUPT'],
    ['CORRUPT', 'CORRUPT'],
    ['STALE_VERSION', 'STALE_VERSION'],
  ] as const) {
    const { there: store, leveller } = await two(fail(there))
    await store.write(handle, 0, [Buffer.from('x')])
    await t.rejects(leveller.level(handle, source), { code: here })
  }
})

t.test('a source that does not stand still is given up', async t => {
  const { there, leveller, fetched } = await two(async (store, offset, length) => {
    const bytes = await store.read(handle, offset, length)
    await store.write(handle, 0, [Buffer.from(`${fetched.length}`)])
    return bytes
  })
  await there.write(handle, 0, [Buffer.from('x')])
  await t.rejects(leveller.level(handle, source), { code: 'REPLICA_FAILED' })
  t.equal(fetched.length, levelPassesMax)
})

t.test('bytes are fetched at the pace that is asked for', async t => {
  const { there, leveller } = await two()
  await there.write(handle, 0, [Buffer.alloc(5 * block, 1)])
  const paced: number[] = []
  t.ok(await leveller.pass(handle, source, async bytes => void paced.push(bytes)))
  t.same(paced, [5 * block])
  t.notOk(await leveller.pass(handle, source))
})
