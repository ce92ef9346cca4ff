import t from 'tap'
import { serverLeaseMs } from '../../../src/constants.js'
import { FakeCluster } from './harness/cluster.js'

async function withChunk(t: Parameters<typeof FakeCluster.start>[0]) {
  const cluster = await FakeCluster.start(t, 3)
  const file = cluster.table.addFile(7, 3)
  const chunk = await cluster.write(file)
  await cluster.clock.advance(0)
  const primary = cluster.server(chunk.lease?.primary ?? '')
  const [second, third] = (chunk.lease?.secondaries ?? []).map(id => cluster.server(id))
  if (!second || !third) throw new Error('three replicas expected')
  const leaseId = chunk.lease?.leaseId ?? 0
  const failed = (...servers: string[]) => primary.fail(chunk.handle, 1, leaseId, servers)
  return { cluster, file, chunk, primary, second, third, leaseId, failed }
}

t.test('the version is raised without the failed one, and the primary keeps its lease', async t => {
  const { cluster, file, chunk, primary, second, third, leaseId, failed } = await withChunk(t)
  failed(second.id)
  await cluster.clock.advance(100)
  t.match(primary.failedAcks, [{ number: 1, version: 2, secondaries: [{ serverId: third.id }], failure: undefined }])
  t.match(primary.told('raise'), [{ handle: chunk.handle, fromVersion: 1, toVersion: 2 }])
  t.match(third.told('raise'), [{ fromVersion: 1, toVersion: 2 }])
  t.same(second.told('raise'), [])
  const again = await cluster.write(file)
  t.match(again, { version: 2, lease: { leaseId, primary: primary.id, secondaries: [third.id] } })
  t.match(cluster.table.chunk(chunk.handle as never), { version: 2, settledVersion: 2, replicaCount: 2 })
})

t.test('the answer waits until the failed one has given up its replica', async t => {
  const { cluster, primary, second, failed } = await withChunk(t)
  second.react = body => (body.$case === 'delete' ? 'hold' : undefined)
  failed(second.id)
  await cluster.clock.advance(1_900)
  t.same(primary.failedAcks, [])
  t.match(second.told('delete'), [{ version: 1 }])
  await cluster.clock.advance(200)
  t.equal(primary.failedAcks.length, 1, 'one that hangs is not waited for: no client asks it any more')
})

t.test('the answer waits until clients have forgotten the failed one', async t => {
  const { cluster, file, primary, second, failed } = await withChunk(t)
  cluster.invalidateMs = 1_000
  failed(second.id)
  await cluster.clock.advance(900)
  t.same(primary.failedAcks, [])
  await cluster.clock.advance(200)
  t.equal(primary.failedAcks.length, 1)
  t.same(cluster.invalidated, [file])
})

t.test('the answer waits until a silent one cannot serve any more', async t => {
  const { cluster, primary, second, failed } = await withChunk(t)
  await cluster.clock.advance(400)
  second.cut()
  failed(second.id)
  await cluster.clock.advance(serverLeaseMs - 600)
  t.same(primary.failedAcks, [])
  await cluster.clock.advance(1_200)
  t.match(primary.failedAcks, [{ version: 2, failure: undefined }])
})

t.test('a dead one is not waited for', async t => {
  const { cluster, primary, second, failed } = await withChunk(t)
  await second.die()
  failed(second.id)
  await cluster.clock.advance(300)
  t.match(primary.failedAcks, [{ version: 2, failure: undefined }])
})

t.test('another that does not take the version is left out too', async t => {
  const { cluster, primary, second, third, failed } = await withChunk(t)
  third.react = body => (body.$case === 'raise' ? 'IO' : undefined)
  failed(second.id)
  await cluster.clock.advance(100)
  t.match(primary.failedAcks, [{ version: 3, secondaries: [] }])
})

t.test('asked again, the answer is the same', async t => {
  const { cluster, primary, second, third, failed } = await withChunk(t)
  failed(second.id)
  failed(second.id)
  await cluster.clock.advance(100)
  failed(second.id)
  await cluster.clock.advance(100)
  t.equal(primary.failedAcks.length, 3)
  for (const ack of primary.failedAcks) t.match(ack, { version: 2, secondaries: [{ serverId: third.id }] })
  t.equal(cluster.traced('version.raise').length, 1)
})

t.test('only the holder of the lease is believed', async t => {
  const { cluster, chunk, second, third, leaseId } = await withChunk(t)
  second.fail(chunk.handle, 1, leaseId, [third.id])
  await cluster.clock.advance(100)
  t.match(second.failedAcks, [{ failure: { code: 'NOT_PRIMARY' } }])
  t.equal(cluster.table.chunk(chunk.handle as never)?.version, 1)
})

t.test('a primary that does not take the version itself loses its lease to another', async t => {
  const { cluster, file, primary, second, failed } = await withChunk(t)
  primary.react = body => (body.$case === 'raise' ? 'IO' : undefined)
  failed(second.id)
  await cluster.clock.advance(100)
  t.match(primary.failedAcks, [{ failure: { code: 'UNAVAILABLE' } }])
  const chunk = await cluster.write(file)
  t.not(chunk.lease?.primary, primary.id)
  t.equal(chunk.version, cluster.table.chunk(chunk.handle as never)?.settledVersion)
  t.equal(primary.told('revoke').length, 1)
})
