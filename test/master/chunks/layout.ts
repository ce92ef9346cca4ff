import t from 'tap'
import { chunkIndexMax } from '../../../src/constants.js'
import type { SessionId } from '../../../src/wire/ids.js'
import { handleText } from '../../../src/wire/ids.js'
import { FakeCluster } from './harness/cluster.js'

const session = 9 as SessionId

t.test('a new chunk has its lease without waiting for a server', async t => {
  const cluster = await FakeCluster.start(t, 3)
  for (const server of cluster.servers) server.react = () => 'hold'
  const file = cluster.table.addFile(7, 3)
  const { chunks } = await cluster.chunks.locate(file, 0, 1, true, session)
  const [chunk] = chunks
  t.equal(chunk?.version, 1)
  t.equal(chunk?.replicas.length, 3)
  t.equal(chunk?.lease?.secondaries.length, 2)
  t.equal(chunk?.lease?.remainingMs, 60_000)

  await cluster.clock.advance(0)
  const primary = cluster.server(chunk?.lease?.primary ?? '')
  t.match(primary.told('grant'), [{ create: true, version: 1, secondaries: [{ location: /^\/dc/ }, {}] }])
  for (const id of chunk?.lease?.secondaries ?? []) t.match(cluster.server(id).told('create'), [{ version: 1 }])
})

t.test('secondaries are told before the primary', async t => {
  const cluster = await FakeCluster.start(t, 3)
  const order: string[] = []
  for (const server of cluster.servers) {
    server.react = body => {
      order.push(body.$case)
      return undefined
    }
  }
  await cluster.write(cluster.table.addFile(7, 3))
  await cluster.clock.advance(0)
  t.same(order, ['create', 'create', 'grant'])
})

t.test('several new chunks are journaled at once', async t => {
  const cluster = await FakeCluster.start(t, 3)
  const file = cluster.table.addFile(7, 3)
  await cluster.write(file, 1)
  const { chunks } = await cluster.until(cluster.chunks.locate(file, 0, 4, true, session))
  t.same(
    chunks.map(({ index }) => index),
    [0, 1, 2, 3],
  )
  t.equal(new Set(chunks.map(({ handle }) => handle)).size, 4)
  t.equal(cluster.table.allocations, 2)
})

t.test('two clients that ask for one new chunk get one chunk and one lease', async t => {
  const cluster = await FakeCluster.start(t, 3)
  const file = cluster.table.addFile(7, 3)
  const both = [1, 2].map(id => cluster.chunks.locate(file, 0, 1, true, id as SessionId))
  const [one, two] = await cluster.until(Promise.all(both))
  t.same(one, two)
  t.equal(cluster.traced('lease.grant').length, 1)
})

t.test('a question while a lease is in force names its holder', async t => {
  const cluster = await FakeCluster.start(t, 3)
  const file = cluster.table.addFile(7, 3)
  const first = await cluster.write(file)
  await cluster.clock.advance(10_000)
  const second = await cluster.write(file)
  t.equal(second.lease?.primary, first.lease?.primary)
  t.equal(second.lease?.leaseId, first.lease?.leaseId)
  t.ok((second.lease?.remainingMs ?? 0) <= 50_000, 'less of it is left')
  t.equal(cluster.traced('lease.grant').length, 1)
  const [granted, named] = cluster.traced('locate.reply')
  t.match(granted, { inForce: false, primary: first.lease?.primary, handle: handleText(first.handle), version: 1 })
  t.match(named, { inForce: true, primary: first.lease?.primary, to: 'client:9' })
  t.match(cluster.traced('locate.ask'), [{ from: 'client:9', ino: 7, forWrite: true }, {}])
})

t.test('a reader is told where the replicas are, and of holes', async t => {
  const cluster = await FakeCluster.start(t, 3)
  const file = cluster.table.addFile(7, 2)
  const written = await cluster.write(file, 1)
  await cluster.clock.advance(0)
  const { chunks } = await cluster.until(cluster.chunks.locate(file, 0, 3, false, session))
  t.match(chunks, [{ handle: 0, replicas: [] }, { handle: written.handle }, { handle: 0 }])
  t.equal(chunks[1]?.replicas.length, 2)
  t.equal(chunks[1]?.lease?.primary, written.lease?.primary)
  t.equal(cluster.table.records.size, 1, 'a reader makes no chunk')
})

t.test('a chunk without a reachable replica is answered with none', async t => {
  const cluster = await FakeCluster.start(t, 2)
  const file = cluster.table.addFile(7, 2)
  await cluster.write(file)
  await cluster.clock.advance(0)
  for (const server of cluster.servers) await server.die()
  await cluster.clock.advance(500)
  const chunk = await cluster.read(file, 0, 10)
  t.ok(chunk.handle > 0, 'at once, though its replicas may differ')
  t.same(chunk.replicas, [])
})

t.test('stale replicas are never named', async t => {
  const cluster = await FakeCluster.start(t, 3)
  const file = cluster.table.addFile(7, 3)
  const first = await cluster.write(file)
  await cluster.clock.advance(0)
  const missing = cluster.server(first.lease?.primary ?? '')
  await missing.die()
  const second = await cluster.write(file)
  t.equal(second.version, 2)
  await missing.restart()
  await cluster.clock.advance(1_000)
  const read = await cluster.read(file)
  t.notOk(read.replicas.some(({ serverId }) => serverId === missing.id))
  t.equal(read.replicas.length, 2)
})

t.test('the goal is what the file wants, or as many servers as there are', async t => {
  const cluster = await FakeCluster.start(t, 2)
  const chunk = await cluster.write(cluster.table.addFile(7, 3))
  t.equal(chunk.replicas.length, 2)
  t.equal(cluster.table.chunk(chunk.handle as never)?.replicaCount, 2)
})

t.test('no server and no room are told apart', async t => {
  const cluster = await FakeCluster.start(t)
  const file = cluster.table.addFile(7, 3)
  await t.rejects(cluster.write(file), { code: 'UNAVAILABLE' })
  await cluster.addServer({ id: 's1', freeBytes: 1000 })
  await cluster.clock.advance(100)
  await t.rejects(cluster.write(file), { code: 'NO_SPACE' })
  t.equal(cluster.table.records.size, 0)
})

t.test('a range beyond reason is refused', async t => {
  const cluster = await FakeCluster.start(t, 1)
  const file = cluster.table.addFile(7, 1)
  const ask = (first: number, count: number, forWrite = false) =>
    cluster.chunks.locate(file, first, count, forWrite, session)
  await t.rejects(ask(0, 0), { code: 'INVALID_ARGUMENT' })
  await t.rejects(ask(0, 1025), { code: 'INVALID_ARGUMENT' })
  await t.rejects(ask(0, 65, true), { code: 'INVALID_ARGUMENT' })
  await t.rejects(ask(chunkIndexMax, 2), { code: 'FILE_TOO_LARGE' })
  await t.resolves(ask(chunkIndexMax, 1))
})

t.test('a file that is gone makes no chunks', async t => {
  const cluster = await FakeCluster.start(t, 1)
  await t.rejects(cluster.chunks.locate(99 as never, 0, 1, true, session), { code: 'NOT_FOUND' })
})
