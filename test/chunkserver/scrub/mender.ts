import t from 'tap'
import { LeasefsError } from '../../../src/base/errors.js'
import { silentLog } from '../../../src/base/log.js'
import { Damage } from '../../../src/chunkserver/scrub/damage.js'
import { Mender, type MenderOptions } from '../../../src/chunkserver/scrub/mender.js'
import { MemoryDisk, MemoryStore } from '../../../src/chunkserver/store/memory-store.js'
import { checksumBlockSize as size } from '../../../src/constants.js'
import type { ChunkHandle } from '../../../src/wire/ids.js'

const a = 1 as ChunkHandle
const length = 5 * size + 100

class Server {
  readonly disk = new MemoryDisk()
  readonly store = new MemoryStore(this.disk)
  readonly damage = new Damage({ store: this.store, log: silentLog, changed: () => {} })
  readonly mender: Mender

  constructor(servers: readonly Server[]) {
    const read: MenderOptions['data']['read'] = async ({ port }, { handle, version, offset, length }) => {
      const server = servers[port]
      if (!server) throw new LeasefsError('UNAVAILABLE', 'nobody is there')
      if (server.store.stat(handle)?.version !== version) throw new LeasefsError('STALE_VERSION', 'another one')
      return await server.store.read(handle, offset, length)
    }
    this.mender = new Mender({ store: this.store, damage: this.damage, data: { read }, log: silentLog })
  }

  async damageBlocks(...indexes: number[]): Promise<void> {
    for (const index of indexes) this.disk.corruptByte(a, index * size + 7)
    this.damage.found(a, indexes)
  }

  async content(): Promise<Buffer> {
    return Buffer.concat((await this.store.read(a, 0, length)).buffers)
  }
}

const bytes = Buffer.concat(Array.from({ length: 6 }, (_, index) => Buffer.alloc(size, 65 + index))).subarray(0, length)

/** Servers with the same replica; source addresses have their number as port. */
async function servers(count: number): Promise<[Server, ...Server[]]> {
  const all: Server[] = []
  for (let index = 0; index < count; index++) all.push(new Server(all))
  for (const { store } of all) {
    await store.create(a, 1)
    await store.write(a, 0, [bytes])
  }
  return all as [Server, ...Server[]]
}

const from = (...ports: number[]) => ports.map(port => ({ data: { host: 'h', port }, version: 1 }))

t.test('damaged blocks come back from another replica', async t => {
  const [one] = await servers(2)
  await one.damageBlocks(0, 3, 5)
  await one.mender.mend(a, from(1))
  t.ok((await one.content()).equals(bytes))
  t.same(one.damage.of(a), [])
  t.same(one.damage.counts, { found: 3, mended: 3 })
})

t.test('replicas that are damaged in different places mend one another', async t => {
  const [one, two] = (await servers(2)) as [Server, Server]
  await one.damageBlocks(1)
  await two.damageBlocks(4)
  await one.mender.mend(a, from(1))
  await two.mender.mend(a, from(0))
  t.ok((await one.content()).equals(bytes))
  t.ok((await two.content()).equals(bytes))
})

t.test('a second source helps where the first is damaged, or away', async t => {
  const [one, two] = (await servers(3)) as [Server, Server, Server]
  await two.damageBlocks(1)
  await one.damageBlocks(1)
  await one.mender.mend(a, from(9, 1, 2))
  t.ok((await one.content()).equals(bytes))
})

t.test('what nobody has is not made up, and what is whole is kept', async t => {
  const [one, two] = (await servers(2)) as [Server, Server]
  await one.damageBlocks(1, 2)
  await two.damageBlocks(2)
  await t.rejects(one.mender.mend(a, from(1)), { code: 'CORRUPT' })
  t.same(one.damage.of(a), [2])
  await t.rejects(one.mender.mend(a, []), { code: 'CORRUPT' })
  await t.rejects(one.mender.mend(a, from(1, 7)), { code: 'UNAVAILABLE' }, 'who is away may have it')
  await t.rejects(one.store.read(a, 2 * size, 1), { code: 'CORRUPT' })
  t.equal((await one.store.read(a, size, 1)).buffers[0]?.toString(), 'B')
})

t.test('bytes other than those that were written here are not taken', async t => {
  const [one, two] = (await servers(2)) as [Server, Server]
  await two.store.write(a, size, [Buffer.from('it goes on there')])
  await one.damageBlocks(1)
  await t.rejects(one.mender.mend(a, from(1)), { code: 'CHANGED' })
  await one.store.write(a, size, [Buffer.alloc(size, 'n')])
  await one.mender.mend(a, from(1))
  t.same(one.damage.of(a), [], 'a block that was written over is whole')
  t.equal((await one.store.read(a, size, 1)).buffers[0]?.toString(), 'n')
})

t.test('a replica that missed versions has what has not changed since', async t => {
  const [one] = await servers(2)
  await one.store.setVersion(a, 9)
  await one.damageBlocks(3)
  await one.mender.mend(a, from(1))
  t.ok((await one.content()).equals(bytes))
})

t.test('zeros are known without asking', async t => {
  const [one] = await servers(1)
  await one.store.zero(a, 2 * size, size)
  await one.store.allocate(a, 2 * size, size)
  await one.damageBlocks(2)
  await one.mender.mend(a, [])
  t.ok((await one.content()).subarray(2 * size, 3 * size).equals(Buffer.alloc(size)))
})

t.test('what was cut off needs no mending', async t => {
  const [one] = await servers(1)
  await one.damageBlocks(4)
  await one.store.truncate(a, 3 * size)
  await one.mender.mend(a, [])
  t.same(one.damage.of(a), [])
})
