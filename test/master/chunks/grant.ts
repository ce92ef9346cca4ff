import t from 'tap'
import { LeasefsError } from '../../../src/base/errors.js'
import {
  addressesOf,
  choosePrimary,
  grantChunk,
  grantNewChunk,
  leaseMessage,
  placeServers,
} from '../../../src/master/chunks/grant.js'
import { placedChunkBytes } from '../../../src/master/chunks/limits.js'
import type { CommandBody } from '../../../src/master/chunks/servers.js'
import type { ChunkHandle, ServerId } from '../../../src/wire/ids.js'
import { TestRoom } from './harness/room.js'

const handle = 1 as ChunkHandle
const servers = ['a', 'b', 'c'] as ServerId[]

async function withChunk(obey?: (body: CommandBody) => Promise<void>) {
  const test = new TestRoom()
  for (const id of servers) test.addServer(id, obey)
  const [record] = await test.table.allocate(test.table.addFile(7, 3), [{ index: 0, replicaCount: 3 }])
  if (!record) throw new Error('no chunk')
  return { test, record }
}
const refuse = (code: 'NOT_FOUND' | 'TIMEOUT' | 'UNAVAILABLE' | 'NO_SPACE') => async () => {
  throw new LeasefsError(code, 'no')
}

t.test('the server with the fewest leases becomes the primary; among equals they take turns', async t => {
  const none = () => 0
  t.same(
    [0, 1, 2, 3].map(n => choosePrimary(n as ChunkHandle, ['c', 'a', 'b'] as ServerId[], none)),
    ['a', 'b', 'c', 'a'],
  )
  t.equal(
    choosePrimary(handle, servers, id => (id === 'c' ? 1 : 2)),
    'c',
  )
})

t.test('a lease is told with what is left of it', async t => {
  const { test } = await withChunk()
  const lease = test.room.leases.grant({ handle, version: 1, primary: servers[0] as ServerId, secondaries: [] }, 0)
  t.equal(leaseMessage(lease, 10_000).remainingMs, 50_000)
  t.equal(leaseMessage(lease, 1e9).remainingMs, 0)
  t.match(addressesOf(test.room, ['b', 'nobody'] as ServerId[]), [{ serverId: 'b' }])
})

t.test('new chunks go to servers that are there, and count as space taken', async t => {
  const { test } = await withChunk()
  const chosen = placeServers(test.room, 2)
  t.equal(chosen.length, 2)
  for (const id of chosen) t.equal(test.room.servers.get(id)?.placedBytes, placedChunkBytes)
  test.room.servers.gone('a' as ServerId, 'dead')
  t.same(placeServers(test.room, 3).sort(), ['b', 'c'])
})

t.test('a new chunk whose server has gone meanwhile has replicas, but no lease yet', async t => {
  const { test, record } = await withChunk()
  test.room.servers.gone('b' as ServerId, 'dead')
  grantNewChunk(test.room, record, servers)
  t.same(test.log, ['create a', 'create c'])
  t.equal(test.room.leases.current(handle, 0), undefined)
  t.equal(test.room.replicas.of(handle).length, 2)
})

t.test('a new chunk that a server refused is without that replica', async t => {
  const { test, record } = await withChunk(refuse('NO_SPACE'))
  grantNewChunk(test.room, record, servers)
  t.ok(test.room.leases.current(handle, 0), 'until the answers come')
  await test.clock.advance(0)
  t.same(test.room.replicas.of(handle), [])
  t.equal(test.room.leases.current(handle, 0), undefined)
  t.ok(test.room.creations.failed(handle))
})

t.test('a new chunk that a server is slow to make stays', async t => {
  const { test, record } = await withChunk(refuse('TIMEOUT'))
  grantNewChunk(test.room, record, servers)
  await test.clock.advance(0)
  t.equal(test.room.replicas.of(handle).length, 3)
  t.ok(test.room.leases.current(handle, 0))
})

t.test('a grant that was refused is no lease', async t => {
  for (const [code, isExcluded, stays] of [
    ['NOT_FOUND', true, false],
    ['NO_SPACE', true, true],
    ['UNAVAILABLE', false, true],
  ] as const) {
    const { test, record } = await withChunk(refuse(code))
    for (const id of servers) test.room.replicas.put(id, handle, 1)
    const excluded = new Set<ServerId>()
    t.equal(await grantChunk(test.room, record, servers, excluded), undefined)
    t.equal(excluded.size > 0, isExcluded, code)
    t.equal(test.room.replicas.of(handle).length, stays ? 3 : 2, code)
    t.equal(test.room.leases.current(handle, 0), undefined)
  }
})

t.test('a grant that was told but not answered is in force', async t => {
  const { test, record } = await withChunk(refuse('TIMEOUT'))
  const lease = await grantChunk(test.room, record, servers, new Set())
  t.same(test.room.leases.current(handle, 0), lease)
  t.ok(lease)
})
