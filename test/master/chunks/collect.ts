import t from 'tap'
import { LeasefsError } from '../../../src/base/errors.js'
import { serverLeaseMs } from '../../../src/constants.js'
import type { ChunkHandle } from '../../../src/wire/ids.js'
import { FakeCluster, orphanDelayMs } from './harness/cluster.js'

t.test('replicas of dropped chunks are deleted, once the dropping is durable', async t => {
  const cluster = await FakeCluster.start(t, 3)
  const file = cluster.table.addFile(7, 3)
  const { handle, lease } = await cluster.write(file)
  await cluster.clock.advance(0)
  t.equal(cluster.syncs, 0)
  cluster.table.drop(handle as ChunkHandle)
  cluster.chunks.dropped([handle as ChunkHandle])
  await cluster.clock.advance(1_000)
  t.ok(cluster.syncs > 0)
  for (const server of cluster.servers) {
    t.match(server.told('delete'), [{ handle, version: 1 }])
    t.equal(server.replicas.size, 0)
  }
  t.match(cluster.server(lease?.primary ?? '').told('revoke'), [{ handle, leaseId: lease?.leaseId }])
  t.equal(cluster.traced('lease.revoke').length, 1)
  t.match((await cluster.status()).servers, [{ replicas: 0 }, { replicas: 0 }, { replicas: 0 }])
})

t.test('an orphan is deleted only after the delay', async t => {
  const cluster = await FakeCluster.start(t)
  const server = await cluster.addServer({ id: 'a' })
  server.replicas.set(55 as ChunkHandle, 3)
  server.cut()
  server.connect()
  await cluster.clock.advance(orphanDelayMs - 1_000)
  t.same(server.told('delete'), [])
  await cluster.clock.advance(3_000)
  t.match(server.told('delete'), [{ handle: 55, version: 3 }])
  t.equal(server.replicas.size, 0)
})

t.test('an orphan that turns out to be wanted stays', async t => {
  const cluster = await FakeCluster.start(t, 1)
  const server = cluster.server('s1')
  server.replicas.set(1 as ChunkHandle, 1)
  server.cut()
  server.connect()
  await cluster.clock.advance(orphanDelayMs / 2)
  await cluster.table.allocate(cluster.table.addFile(7, 1), [{ index: 0, replicaCount: 1 }])
  await cluster.clock.advance(2 * orphanDelayMs)
  t.same(server.told('delete'), [])
})

t.test('a replica of a version the master never made is not touched', async t => {
  const cluster = await FakeCluster.start(t, 1)
  const server = cluster.server('s1')
  await cluster.table.allocate(cluster.table.addFile(7, 1), [{ index: 0, replicaCount: 1 }])
  server.replicas.set(1 as ChunkHandle, 9)
  server.cut()
  server.connect()
  await cluster.clock.advance(3 * orphanDelayMs)
  t.same(server.told('delete'), [])
})

t.test('stale replicas stay until the chunk has its goal of good ones', async t => {
  const cluster = await FakeCluster.start(t, 2)
  const file = cluster.table.addFile(7, 2)
  const first = await cluster.write(file)
  await cluster.clock.advance(0)
  const stale = cluster.server(first.lease?.primary ?? '')
  await stale.die()
  await cluster.write(file)
  await stale.restart()
  await cluster.clock.advance(2 * orphanDelayMs)
  t.same(stale.told('delete'), [], 'one good replica of two')

  const helper = await cluster.addServer({ id: 'z' })
  helper.replicas.set(first.handle as ChunkHandle, 2)
  helper.cut()
  helper.connect()
  await cluster.clock.advance(2 * orphanDelayMs)
  t.match(stale.told('delete'), [{ handle: first.handle, version: 1 }])
})

t.test('a restarted master deletes nothing before the delay', async t => {
  const cluster = await FakeCluster.start(t, 1)
  const server = cluster.server('s1')
  server.replicas.set(55 as ChunkHandle, 1)
  await cluster.restartMaster()
  server.connect()
  await cluster.clock.advance(orphanDelayMs - serverLeaseMs)
  t.same(server.told('delete'), [])
  await cluster.clock.advance(2 * serverLeaseMs)
  t.equal(server.told('delete').length, 1)
})

t.test('a deletion that fails is tried again later', async t => {
  const cluster = await FakeCluster.start(t, 1)
  const server = cluster.server('s1')
  server.react = body => (body.$case === 'delete' && server.told('delete').length === 1 ? 'IO' : undefined)
  server.replicas.set(55 as ChunkHandle, 1)
  server.cut()
  server.connect()
  await cluster.clock.advance(orphanDelayMs + 2_000)
  t.equal(server.replicas.size, 1)
  await cluster.clock.advance(orphanDelayMs + 2_000)
  t.equal(server.told('delete').length, 2)
  t.equal(server.replicas.size, 0)
})

t.test('what could not be synced is not deleted', async t => {
  const cluster = await FakeCluster.start(t, 1)
  const server = cluster.server('s1')
  server.replicas.set(55 as ChunkHandle, 1)
  server.cut()
  server.connect()
  cluster.synced = async () => {
    throw new LeasefsError('IO', 'the journal’s disk is gone')
  }
  await cluster.clock.advance(2 * orphanDelayMs)
  t.same(server.told('delete'), [])
})

t.test('what the master may have lost the records of is kept, and counted', async t => {
  const cluster = await FakeCluster.start(t, 1)
  const server = cluster.server('s1')
  cluster.table.lost = new Set([55, 56])
  for (const handle of [54, 55, 56]) server.replicas.set(handle as ChunkHandle, 1)
  server.cut()
  server.connect()
  await cluster.clock.advance(3 * orphanDelayMs)
  t.match(server.told('delete'), [{ handle: 54 }])
  t.equal((await cluster.status()).unknownReplicas, 2)
  cluster.table.lost = new Set()
  await cluster.clock.advance(2 * orphanDelayMs)
  t.same([...server.replicas.keys()], [])
  t.equal((await cluster.status()).unknownReplicas, 0)
})

t.test('a server that has seen a later master is told to delete nothing, and gets no new chunks', async t => {
  const cluster = await FakeCluster.start(t, 0)
  const server = await cluster.addServer({ id: 'a' })
  server.replicas.set(55 as ChunkHandle, 1)
  server.register = { seen: { epoch: 9, id: 'later', index: 5 } }
  server.cut()
  server.connect()
  await cluster.clock.advance(3 * orphanDelayMs)
  t.same(server.told('delete'), [])
  t.match((await cluster.status()).servers, [{ seenLaterMaster: true }])
  await t.rejects(cluster.write(cluster.table.addFile(7, 1)), { code: 'UNAVAILABLE' })
  t.match(server.registered?.history, { starts: [{ epoch: 1 }], lostEpoch: 0 })

  cluster.table.lostEpoch = 1024
  server.cut()
  server.connect()
  await cluster.clock.advance(3 * orphanDelayMs)
  t.match(server.told('delete'), [{ handle: 55 }], 'the master knows what it lacks')
  t.match((await cluster.status()).servers, [{ seenLaterMaster: false }])
})
