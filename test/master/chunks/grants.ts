import t from 'tap'
import { leaseMs, serverLeaseMs } from '../../../src/constants.js'
import { gatherMs } from '../../../src/master/chunks/limits.js'
import type { ChunkLocation } from '../../../src/wire/gen/client.js'
import type { ChunkHandle, SessionId } from '../../../src/wire/ids.js'
import { FakeCluster } from './harness/cluster.js'

/** A cluster of three with one written chunk. */
async function withChunk(t: Parameters<typeof FakeCluster.start>[0]) {
  const cluster = await FakeCluster.start(t, 3)
  const file = cluster.table.addFile(7, 3)
  const chunk = await cluster.write(file)
  await cluster.clock.advance(0)
  const primary = cluster.server(chunk.lease?.primary ?? '')
  const secondaries = (chunk.lease?.secondaries ?? []).map(id => cluster.server(id))
  const [second, third] = secondaries
  if (!second || !third) throw new Error('three replicas expected')
  return { cluster, file, chunk, primary, second, third }
}

const names = (chunk: ChunkLocation) => chunk.replicas.map(({ serverId }) => serverId).sort()

t.test('a lease that nobody extended ends, and the next question grants another', async t => {
  const { cluster, file, chunk } = await withChunk(t)
  await cluster.clock.advance(leaseMs)
  t.match(cluster.traced('lease.expire'), [{ leaseId: chunk.lease?.leaseId }])
  const again = await cluster.write(file)
  t.ok((again.lease?.leaseId ?? 0) > (chunk.lease?.leaseId ?? 0))
  t.equal(again.version, 1, 'no replica is missing: no raise')
  t.match(
    cluster
      .server(again.lease?.primary ?? '')
      .told('grant')
      .at(-1),
    { create: false, version: 1 },
  )
})

t.test('a lease in use is extended by heartbeats', async t => {
  const { cluster, file, chunk, primary } = await withChunk(t)
  primary.extend = [{ handle: chunk.handle, leaseId: chunk.lease?.leaseId ?? 0 }]
  await cluster.clock.advance(3 * leaseMs)
  t.equal((await cluster.write(file)).lease?.leaseId, chunk.lease?.leaseId)
  t.ok(cluster.traced('lease.extend').length > 100)
  t.match(primary.extended[0], { handle: chunk.handle })
})

t.test('only the holder extends a lease', async t => {
  const { cluster, chunk, second } = await withChunk(t)
  second.extend = [{ handle: chunk.handle, leaseId: chunk.lease?.leaseId ?? 0 }]
  await cluster.clock.advance(leaseMs)
  t.same(second.extended, [])
  t.equal(cluster.traced('lease.expire').length, 1)
})

t.test('questions about one chunk share one grant', async t => {
  const { cluster, file } = await withChunk(t)
  await cluster.clock.advance(leaseMs)
  const answers = await Promise.all([cluster.write(file), cluster.write(file), cluster.write(file)])
  t.equal(new Set(answers.map(({ lease }) => lease?.leaseId)).size, 1)
  t.equal(cluster.traced('lease.grant').length, 2)
})

t.test('a grant is answered when the primary has taken it', async t => {
  const { cluster, file } = await withChunk(t)
  await cluster.clock.advance(leaseMs)
  for (const server of cluster.servers) server.react = () => 'hold'
  const asked = cluster.clock.now()
  const chunk = await cluster.write(file)
  t.ok(cluster.clock.now() - asked >= 2_000, 'a slow one is waited for, but not for ever')
  t.ok(chunk.lease)
})

t.test('a server that does not have its replica any more gets no lease', async t => {
  const { cluster, file } = await withChunk(t)
  await cluster.clock.advance(leaseMs)
  const refused: string[] = []
  for (const server of cluster.servers) {
    server.react = body => {
      if (body.$case !== 'grant' || refused.length > 0) return undefined
      refused.push(server.id)
      return 'NOT_FOUND'
    }
  }
  const chunk = await cluster.write(file)
  t.not(chunk.lease?.primary, refused[0])
  t.equal(chunk.version, 2, 'the others go on under a new version')
  t.notOk(names(chunk).includes(refused[0] ?? ''))
})

t.test('a dead primary is replaced at once', async t => {
  const { cluster, file, primary, second, third } = await withChunk(t)
  await primary.die()
  const asked = cluster.clock.now()
  const chunk = await cluster.write(file)
  t.ok(cluster.clock.now() - asked < 1_000)
  t.equal(chunk.version, 2)
  t.same(names(chunk), [second.id, third.id].sort())
  t.match(cluster.traced('version.raise'), [{ version: 2, fromVersion: 1 }])
  t.match(second.told('raise'), [{ fromVersion: 1, toVersion: 2 }])
  t.same(
    cluster.invalidated,
    [file, file],
    'clients forget where the replicas are: when they are in doubt, and when they are others',
  )
  t.match(cluster.table.chunk(chunk.handle as never), { version: 2, settledVersion: 2, replicaCount: 2 })
})

t.test('a silent primary is waited for until its server lease has run out', async t => {
  const { cluster, file, primary } = await withChunk(t)
  await cluster.clock.advance(400)
  primary.cut()
  const cut = cluster.clock.now()
  await cluster.clock.advance(0)
  const chunk = await cluster.write(file)
  const waited = cluster.clock.now() - cut
  t.ok(waited > serverLeaseMs - 500, `waited ${waited} ms`)
  t.ok(waited < serverLeaseMs + 500, `waited ${waited} ms`)
  t.equal(chunk.version, 2)
  t.not(chunk.lease?.primary, primary.id)
})

t.test('a primary that comes back in time keeps its lease', async t => {
  const { cluster, file, chunk, primary } = await withChunk(t)
  primary.cut()
  await cluster.clock.advance(0)
  const answer = cluster.chunks.locate(file, 0, 1, true, 9 as SessionId)
  await cluster.clock.advance(500)
  primary.connect()
  t.equal((await cluster.until(answer)).chunks[0]?.lease?.leaseId, chunk.lease?.leaseId)
  t.equal(cluster.traced('version.raise').length, 0)
})

t.test('a primary that comes back without its lease has lost it', async t => {
  const { cluster, file, chunk, primary } = await withChunk(t)
  primary.cut()
  primary.leases.clear()
  primary.connect()
  await cluster.clock.advance(100)
  t.match(cluster.traced('lease.revoke'), [{ leaseId: chunk.lease?.leaseId }])
  const again = await cluster.write(file)
  t.ok((again.lease?.leaseId ?? 0) > (chunk.lease?.leaseId ?? 0))
  t.equal(again.version, 2, 'what it has ordered nobody knows')
  t.equal(again.replicas.length, 3)
})

t.test('a silent secondary does not hold up who asks for the primary', async t => {
  const { cluster, file, chunk, second } = await withChunk(t)
  second.cut()
  await cluster.clock.advance(0)
  const again = await cluster.write(file)
  t.equal(again.lease?.leaseId, chunk.lease?.leaseId)
  t.ok(names(again).includes(second.id), 'it still has to apply what the primary orders')
})

t.test('nothing is raised while a missing server may still serve', async t => {
  const { cluster, file, second } = await withChunk(t)
  second.cut()
  await cluster.clock.advance(leaseMs)
  second.connect()
  await cluster.clock.advance(600)
  second.cut()
  await cluster.clock.advance(0)
  const asked = cluster.clock.now()
  t.equal((await cluster.write(file)).version, 2)
  t.ok(cluster.clock.now() - asked > serverLeaseMs - 600)
})

t.test('a replica that does not take its version is left behind', async t => {
  const { cluster, file, primary, second, third } = await withChunk(t)
  second.react = body => (body.$case === 'raise' ? 'IO' : undefined)
  await primary.die()
  const chunk = await cluster.write(file)
  t.equal(chunk.version, 3)
  t.same(names(chunk), [third.id])
  t.match(second.told('delete'), [{ handle: chunk.handle, version: 2 }])
})

t.test('a chunk whose replicas are all away has no lease', async t => {
  const { cluster, file, primary, second, third } = await withChunk(t)
  for (const server of [primary, second, third]) await server.die()
  await t.rejects(cluster.write(file), { code: 'UNAVAILABLE' })
  await second.restart()
  const chunk = await cluster.write(file)
  t.same(names(chunk), [second.id])
})

t.test('when most replicas are away, those that come back soon are waited for', async t => {
  const { cluster, file, primary, second, third } = await withChunk(t)
  for (const server of [primary, second, third]) await server.die()
  await cluster.clock.advance(500)
  const answer = cluster.chunks.locate(file, 0, 1, true, 9 as SessionId)
  for (const server of [second, third, primary]) {
    await cluster.clock.advance(500)
    await server.restart()
  }
  const { chunks } = await cluster.until(answer)
  t.equal(chunks[0]?.version, 2, 'what the primary had ordered nobody knew')
  t.equal(chunks[0]?.replicas.length, 3)
})

t.test('two of three go on at once, one of three after a while', async t => {
  const { cluster, file, primary } = await withChunk(t)
  await primary.die()
  await cluster.clock.advance(100)
  t.equal((await cluster.write(file, 0, 100)).version, 2)

  const other = await withChunk(t)
  for (const server of [other.primary, other.second]) await server.die()
  await other.cluster.clock.advance(100)
  const asked = other.cluster.clock.now()
  t.match(await other.cluster.write(other.file), { version: 2, replicas: { length: 1 } })
  t.ok(other.cluster.clock.now() - asked >= gatherMs)
})

t.test('a dropped chunk has no lease', async t => {
  const { cluster, file, chunk, primary } = await withChunk(t)
  await primary.die()
  const answer = cluster.write(file)
  cluster.table.drop(chunk.handle as never)
  await t.rejects(answer, { code: 'UNAVAILABLE' })
})

t.test('a restarted master takes over the leases in force', async t => {
  const { cluster, file, chunk, primary } = await withChunk(t)
  await cluster.restartMaster()
  for (const server of cluster.servers) server.connect()
  await cluster.clock.advance(100)
  t.match(cluster.traced('lease.grant').at(-1), { leaseId: chunk.lease?.leaseId, adopted: true })
  const again = await cluster.write(file)
  t.equal(again.lease?.primary, primary.id)
  t.equal(again.lease?.leaseId, chunk.lease?.leaseId)
  t.equal(again.version, 1)
})

t.test(
  'who asks a restarted master is told of no primary before the master knows where all secondaries are',
  async t => {
    const { cluster, file, chunk, primary, second, third } = await withChunk(t)
    await cluster.restartMaster()
    primary.connect()
    second.connect()
    const asked = cluster.write(file)
    await cluster.clock.advance(500)
    third.connect()
    const again = await asked
    t.same(names(again), names(chunk), 'so the data gets to all that are to apply it')
    t.equal(again.lease?.leaseId, chunk.lease?.leaseId)
  },
)

t.test('a restarted master grants higher lease ids', async t => {
  const { cluster, file, chunk } = await withChunk(t)
  await cluster.restartMaster()
  for (const server of cluster.servers) {
    server.leases.clear()
    server.connect()
  }
  const again = await cluster.write(file)
  t.ok((again.lease?.leaseId ?? 0) >= 2 * 2 ** 32)
  t.ok((again.lease?.leaseId ?? 0) > (chunk.lease?.leaseId ?? 0))
})

t.test('a restarted master concludes nothing from absence at first', async t => {
  const { cluster, file, primary, second } = await withChunk(t)
  await cluster.restartMaster()
  const started = cluster.clock.now()
  second.connect()
  const chunk = await cluster.write(file)
  t.ok(cluster.clock.now() - started >= serverLeaseMs)
  t.equal(chunk.version, 2)
  t.same(names(chunk), [second.id])

  primary.connect()
  await cluster.clock.advance(200)
  t.match(primary.told('revoke'), [{ handle: chunk.handle }], 'its lease is of a version that has passed')
})

t.test('a raise that a crash of the master cut short makes nothing stale', async t => {
  const { cluster, file, chunk } = await withChunk(t)
  await cluster.table.raise(chunk.handle as never, 1, 3)
  await cluster.restartMaster()
  for (const server of cluster.servers) server.connect()
  const read = await cluster.read(file)
  t.equal(read.version, 3)
  t.equal(read.replicas.length, 3)
  t.equal(cluster.table.chunk(chunk.handle as never)?.settledVersion, 3)
})

t.test('a new chunk that no server made is made again elsewhere', async t => {
  const cluster = await FakeCluster.start(t, 2)
  const file = cluster.table.addFile(7, 2)
  for (const server of cluster.servers) server.react = () => 'hold'
  const chunk = await cluster.write(file)
  await Promise.all(cluster.servers.map(server => server.die()))
  await cluster.clock.advance(500)
  for (const server of cluster.servers) {
    server.react = () => undefined
    await server.restart()
  }
  await cluster.clock.advance(100)
  const again = await cluster.write(file)
  t.equal(again.handle, chunk.handle)
  t.equal(again.version, 2, 'were the old replicas to appear after all, they would be stale')
  t.equal(again.replicas.length, 2)
})

/** A cluster of three with a chunk that no server has made when the master is started again. */
async function withUnmadeChunk(t: Parameters<typeof FakeCluster.start>[0]) {
  const cluster = await FakeCluster.start(t, 3)
  const file = cluster.table.addFile(7, 3)
  for (const server of cluster.servers) server.react = () => 'hold'
  const { handle } = await cluster.write(file)
  await cluster.restartMaster()
  for (const server of cluster.servers) server.react = () => undefined
  return { cluster, file, handle: handle as ChunkHandle }
}

t.test('a new chunk that no server had made when the master died is made again, also if nobody asks', async t => {
  const { cluster, file, handle } = await withUnmadeChunk(t)
  for (const server of cluster.servers) server.connect()
  await cluster.clock.advance(serverLeaseMs + 2000)
  t.match(cluster.table.chunk(handle), { version: 2, settledVersion: 2, placed: cluster.servers.map(({ id }) => id) })
  const again = await cluster.write(file)
  t.match(again, { handle, version: 2 })
  t.equal(again.replicas.length, 3)
})

t.test('it is not made again while one of the servers that were told to make it is away', async t => {
  const { cluster, file, handle } = await withUnmadeChunk(t)
  const [away, ...others] = cluster.servers
  for (const server of others) server.connect()
  await t.rejects(cluster.write(file), { code: 'UNAVAILABLE' })
  t.match(cluster.table.chunk(handle), { version: 1 })
  away?.replicas.set(handle, 1)
  away?.connect()
  t.same(names(await cluster.write(file)), [away?.id], 'which has it')
})

t.test('a chunk of which something was reported is not made again', async t => {
  const { cluster, file, chunk } = await withChunk(t)
  const handle = chunk.handle as ChunkHandle
  const record = cluster.table.chunk(handle)
  t.equal(record?.placed.length, 3)
  if (record) cluster.table.records.set(handle, { ...record, placed: [] })
  await cluster.restartMaster()
  for (const server of cluster.servers) {
    server.replicas.clear()
    server.leases.clear()
    server.connect()
  }
  await t.rejects(cluster.write(file), { code: 'UNAVAILABLE' })
  t.match(cluster.table.chunk(handle), { version: 1 })
})
