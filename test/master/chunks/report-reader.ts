import t from 'tap'
import { FakeCluster } from './harness/cluster.js'

const replica = (handle: number, version: number, more = {}) => ({
  handle,
  version,
  length: 0,
  leaseId: 0,
  leaseRemainingMs: 0,
  secondaries: [],
  doubtful: false,
  followedLeaseId: 0,
  damagedBlocks: 0,
  ...more,
})

t.test('a report may come in pieces; until the last the server gets no chunks', async t => {
  const cluster = await FakeCluster.start(t)
  const server = await cluster.addServer({ id: 'a' })
  server.cut()
  server.reports = false
  server.connect()
  const file = cluster.table.addFile(7, 1)
  const [record] = await cluster.table.allocate(file, [{ index: 0, replicaCount: 1 }])
  const handle = record?.handle ?? 0
  server.say({ $case: 'report', value: { replicas: [replica(handle, 1)], last: false } })
  await cluster.clock.advance(100)
  t.equal((await cluster.read(file)).replicas.length, 1, 'what was named may be read already')
  await t.rejects(cluster.write(file, 1), { code: 'UNAVAILABLE' })
  server.say({ $case: 'report', value: { replicas: [replica(99, 1)], last: true } })
  await cluster.clock.advance(100)
  t.equal((await cluster.write(file, 1)).replicas.length, 1)
  t.match((await cluster.status()).servers, [{ replicas: 3 }])
})

t.test('a report of version 0 says that the replica is gone', async t => {
  const cluster = await FakeCluster.start(t, 1)
  const file = cluster.table.addFile(7, 1)
  const { handle } = await cluster.write(file)
  await cluster.clock.advance(0)
  cluster.server('s1').say({ $case: 'report', value: { replicas: [replica(handle, 0)], last: true } })
  await cluster.clock.advance(10)
  t.same((await cluster.read(file)).replicas, [])
})

t.test('a lease of a version that has passed is taken back', async t => {
  const cluster = await FakeCluster.start(t, 1)
  const file = cluster.table.addFile(7, 1)
  const [record] = await cluster.table.allocate(file, [{ index: 0, replicaCount: 1 }])
  const handle = record?.handle ?? 0
  await cluster.table.raise(handle as never, 1, 1)
  const server = cluster.server('s1')
  server.cut()
  server.reports = false
  server.connect()
  const lease = { leaseId: 5, leaseRemainingMs: 1_000 }
  server.say({ $case: 'report', value: { replicas: [replica(handle, 1, lease)], last: true } })
  await cluster.clock.advance(10)
  t.match(server.told('revoke'), [{ handle, leaseId: 5 }])
  t.equal(cluster.traced('lease.grant').length, 0)
})

t.test('a lease of a chunk nobody knows is taken back', async t => {
  const cluster = await FakeCluster.start(t, 1)
  const server = cluster.server('s1')
  server.replicas.set(77 as never, 1)
  server.leases.set(77 as never, { leaseId: 5, remainingMs: 1_000, secondaries: [] })
  server.cut()
  server.connect()
  await cluster.clock.advance(10)
  t.match(server.told('revoke'), [{ handle: 77, leaseId: 5 }])
})
