import t from 'tap'
import { drainMs, masterSilenceMs } from '../../src/chunkserver/limits.js'
import { MemoryDisk, MemoryStore } from '../../src/chunkserver/store/memory-store.js'
import { heartbeatMs, leaseMs } from '../../src/constants.js'
import { addressText } from '../../src/wire/address.js'
import type { ChunkHandle } from '../../src/wire/ids.js'
import { clusterId, codeOf, handle, TestCluster } from './harness.js'

t.test('a server registers with what others need to reach it', async t => {
  const cluster = await TestCluster.start(t, 1)
  const register = cluster.master.seen.get('s0')?.register
  const { server } = cluster.at(0)
  t.match(register, { clusterId, formatVersion: 1 })
  t.same(register?.server, {
    serverId: 's0',
    controlAddress: addressText(server.address),
    dataAddress: addressText(server.dataAddress),
    location: '/a/b/s0',
  })
  t.ok((register?.totalBytes ?? 0) >= (register?.freeBytes ?? 1))
})

t.test('a new server becomes one of the master’s cluster, durably', async t => {
  const cluster = await TestCluster.start(t, 0)
  const { directory, server } = await cluster.addServer('s0', { identity: { clusterId: '' } })
  await server.ready
  t.equal(directory.identity.clusterId, clusterId)
})

t.test('a server of another cluster ends', async t => {
  const cluster = await TestCluster.start(t, 0)
  const { server } = await cluster.addServer('s0', { identity: { clusterId: 'cluster-2' } })
  t.match(await server.closed, { code: 'WRONG_CLUSTER' })
})

t.test('a server whose format the master does not speak ends; one that is refused for now tries again', async t => {
  const cluster = await TestCluster.start(t, 0)
  cluster.master.refusing = 'NEWER_FORMAT'
  t.match(await (await cluster.addServer('s0')).server.closed, { code: 'NEWER_FORMAT' })
  cluster.master.refusing = 'UNAVAILABLE'
  const added = cluster.addServer('s1')
  await cluster.clock.advance(1000)
  cluster.master.refusing = undefined
  await cluster.until((await cluster.until(added)).server.ready)
})

t.test('a server reports all it holds in bounded pieces, the last one marked', async t => {
  const disk = new MemoryDisk()
  const store = new MemoryStore(disk)
  for (let chunk = 1; chunk <= 10_000; chunk++) await store.create(chunk as ChunkHandle, 3)
  await store.write(7 as ChunkHandle, 0, [Buffer.alloc(11)])
  const cluster = await TestCluster.start(t, 0)
  await cluster.addServer('s0', { disk })
  await cluster.clock.advance(1)
  const reports = cluster.master.said('s0', 'report')
  t.same(
    reports.map(({ replicas, last }) => [replicas.length, last]),
    [
      [4096, false],
      [4096, false],
      [1808, true],
    ],
  )
  t.match(
    reports[0]?.replicas.find(replica => replica.handle === 7),
    { version: 3, length: 11, leaseId: 0 },
  )
})

t.test('an empty server reports that it has reported', async t => {
  const cluster = await TestCluster.start(t, 1)
  await cluster.clock.advance(1)
  t.same(cluster.master.said('s0', 'report'), [{ replicas: [], last: true }])
})

t.test('heartbeats go out, and ask to extend the leases of chunks that were changed', async t => {
  const cluster = await TestCluster.start(t, 1)
  await cluster.createChunk()
  await cluster.clock.advance(heartbeatMs)
  await cluster.until(cluster.client(1).writeBytes(0, 'x'))
  await cluster.clock.advance(2 * heartbeatMs)
  const beats = cluster.master.said('s0', 'heartbeat')
  t.same(
    beats.map(({ extend }) => extend),
    [[], [{ handle, leaseId: 1 }], []],
  )
  t.same(
    beats.map(({ number }) => number),
    [1, 2, 3],
  )
  t.ok((beats[0]?.totalBytes ?? 0) > 0)
})

t.test('a server comes back after a lost session, and claims the lease it still holds', async t => {
  const cluster = await TestCluster.start(t, 2)
  await cluster.createChunk()
  await cluster.until(cluster.client(1).writeBytes(0, 'x'))
  const before = cluster.master.seen.get('s0')
  cluster.control.reset(cluster.master.address)
  await cluster.clock.advance(500)
  const after = cluster.master.seen.get('s0')
  t.not(after?.session, before?.session)
  t.equal(after?.register.incarnation, before?.register.incarnation)
  const [replica] = cluster.master.said('s0', 'report')[0]?.replicas ?? []
  t.match(replica, { handle, version: 1, length: 1, leaseId: 1, secondaries: ['s1'] })
  t.ok((replica?.leaseRemainingMs ?? 0) <= leaseMs)
  t.ok((replica?.leaseRemainingMs ?? 0) > leaseMs - 2000)
  t.equal(codeOf(await cluster.until(cluster.client(1).writeBytes(0, 'x'))), 'OK', 'and goes on')
})

t.test('a master that says nothing is tried on a new stream', async t => {
  const cluster = await TestCluster.start(t, 1)
  const before = cluster.master.seen.get('s0')?.session
  cluster.master.answering = false
  await cluster.clock.advance(masterSilenceMs + 2 * heartbeatMs)
  t.not(cluster.master.seen.get('s0')?.session, before)
})

t.test('a command is answered on the session on which it came, or not at all', async t => {
  const cluster = await TestCluster.start(t, 2)
  await cluster.createChunk()
  const client = cluster.client(1)
  const mutation = client.write(0, 1)
  await cluster.until(client.push(mutation.id, Buffer.from('x')))
  cluster.control.silence(cluster.addressOf(1))
  client.commit([mutation])
  await cluster.clock.advance(10)
  cluster.master.send('s0', {
    $case: 'command',
    value: { number: 77, command: { $case: 'revoke', value: { handle, leaseId: 1 } } },
  })
  await cluster.clock.advance(10)
  cluster.control.reset(cluster.master.address)
  await cluster.clock.advance(3000)
  t.same(cluster.master.said('s0', 'done'), [])
})

t.test('a server stops in bounded time, whatever its secondaries and its master do', async t => {
  const cluster = await TestCluster.start(t, 2)
  await cluster.createChunk()
  const client = cluster.client(1)
  const mutation = client.write(0, 1)
  await cluster.until(client.push(mutation.id, Buffer.from('x')))
  cluster.control.silence(cluster.addressOf(1))
  const commit = client.commit([mutation])
  await cluster.clock.advance(6000)
  const closed = cluster.at(0).server.close()
  await cluster.clock.advance(drainMs + 1)
  await closed
  const outcome = await Promise.race([commit.then(codeOf), cluster.clock.advance(20_000).then(() => 'no answer')])
  t.equal(outcome, 'no answer', 'its stream has closed')
})

t.test('a stopping server finishes what is under way and says goodbye', async t => {
  const cluster = await TestCluster.start(t, 2)
  await cluster.createChunk()
  const client = cluster.client(1)
  const mutation = client.write(0, 1)
  await cluster.until(client.push(mutation.id, Buffer.from('x')))
  cluster.control.silence(cluster.addressOf(1))
  const underWay = client.commit([mutation])
  await cluster.clock.advance(10)
  const closed = cluster.at(0).server.close()
  await cluster.clock.advance(10)
  t.equal(cluster.master.said('s0', 'goodbye').length, 0)
  cluster.control.heal(cluster.addressOf(1))
  t.equal(codeOf(await cluster.until(underWay)), 'OK')
  await cluster.until(closed)
  await cluster.clock.advance(1)
  t.equal(cluster.master.said('s0', 'goodbye').length, 1)
  t.equal(await cluster.at(0).server.closed, undefined)
})
