import t from 'tap'
import { adminLocateCountMax } from '../../../src/master/chunks/limits.js'
import { LocateRequest } from '../../../src/wire/gen/admin.js'
import { MasterService } from '../../../src/wire/gen/services.js'
import { FakeCluster } from './harness/cluster.js'
import { masterAddress } from './harness/fake-server.js'

const locate = (cluster: FakeCluster, request: Partial<LocateRequest>) => {
  const peer = cluster.network.connect(masterAddress)
  const whole = { ...LocateRequest.decode(new Uint8Array()), ...request }
  return cluster.until(peer.call(MasterService.locate, whole, { timeoutMs: 1000 }))
}

t.test('status counts servers, chunks and leases', async t => {
  const cluster = await FakeCluster.start(t, 3)
  const file = cluster.table.addFile(7, 3)
  const chunk = await cluster.write(file, 0)
  await cluster.write(file, 1)
  await cluster.clock.advance(0)
  t.match(await cluster.status(), {
    clusterId: 'the-cluster',
    inodes: 1,
    chunks: 2,
    chunksBelowGoal: 0,
    chunksMissing: 0,
    leasesInForce: 2,
    clients: 2,
    goal: 3,
    servers: { length: 3 },
  })
  const primary = cluster.server(chunk.lease?.primary ?? '')
  await primary.die()
  await cluster.clock.advance(1_000)
  const after = await cluster.status()
  t.match(after, { chunksBelowGoal: 2, chunksMissing: 0 })
  const dead = after.servers.find(({ server }) => server?.serverId === primary.id)
  t.match(dead, { connected: false, replicas: 0, leases: 0 })
  t.ok((dead?.silentMs ?? 0) >= 1_000)
  for (const server of cluster.servers) await server.die()
  await cluster.clock.advance(1_000)
  t.match(await cluster.status(), { chunksBelowGoal: 2, chunksMissing: 2, leasesInForce: 0 })
})

t.test('locate shows replicas, stale ones too, and who holds the lease', async t => {
  const cluster = await FakeCluster.start(t, 3)
  const file = cluster.table.addFile(7, 3)
  const first = await cluster.write(file, 2)
  await cluster.clock.advance(0)
  const stale = cluster.server(first.lease?.primary ?? '')
  await stale.die()
  await cluster.write(file, 2)
  await stale.restart()
  await cluster.clock.advance(100)
  const reply = await locate(cluster, { ino: 7 })
  t.match(reply, { attributes: { ino: 7, goal: 3 }, chunks: [{ index: 2, handle: first.handle, version: 2 }] })
  const [chunk] = reply.chunks
  t.equal(chunk?.replicas.length, 3)
  t.match(
    chunk?.replicas.find(({ server }) => server?.serverId === stale.id),
    { stale: true, version: 1 },
  )
  t.equal(chunk?.lease?.secondaries.length, 1)
  t.same((await locate(cluster, { path: Buffer.from('/7') })).chunks, reply.chunks)
})

t.test('locate of nothing, or of too much, is refused', async t => {
  const cluster = await FakeCluster.start(t, 1)
  await t.rejects(locate(cluster, { ino: 99 }), { code: 'NOT_FOUND' })
  const file = cluster.table.addFile(7, 1)
  const chunks = Array.from({ length: adminLocateCountMax + 1 }, (_, index) => ({ index, replicaCount: 1 }))
  await cluster.table.allocate(file, chunks)
  await t.rejects(locate(cluster, { ino: 7 }), { code: 'TOO_BIG' })
})

t.test('status looks at many chunks without holding up the rest', async t => {
  const cluster = await FakeCluster.start(t, 1)
  const chunks = Array.from({ length: 25_000 }, (_, index) => ({ index, replicaCount: 1 }))
  await cluster.table.allocate(cluster.table.addFile(7, 1), chunks)
  t.match(await cluster.status(), { chunks: 25_000, chunksMissing: 25_000 })
})
