import t from 'tap'
import { leaseMs } from '../../../src/constants.js'
import { repairDelayMs } from '../../../src/master/chunks/repair/limits.js'
import type { ChunkHandle } from '../../../src/wire/ids.js'
import { FakeCluster } from './harness/cluster.js'

/** A cluster of three with one written chunk, whose lease has ended quietly unless it is to stay. */
async function withChunk(t: Parameters<typeof FakeCluster.start>[0], { leased = false } = {}) {
  const cluster = await FakeCluster.start(t, 3)
  const file = cluster.table.addFile(7, 3)
  const chunk = await cluster.write(file)
  await cluster.clock.advance(leased ? 0 : 2 * leaseMs)
  const primary = cluster.server(chunk.lease?.primary ?? '')
  const [second, third] = (chunk.lease?.secondaries ?? []).map(id => cluster.server(id))
  if (!second || !third) throw new Error('three replicas expected')
  const handle = chunk.handle as ChunkHandle
  const record = () => cluster.table.chunk(handle)
  /** Who was made equal to whom. */
  const levelled = () => {
    return cluster.servers.flatMap(server =>
      server.told('level').map(said => `${server.id} ${said.source?.serverId ?? ''}`),
    )
  }
  return { cluster, file, handle, primary, second, third, record, levelled }
}

t.test(
  'replicas that a crash has put in doubt are made level without anyone asking, from one that has not crashed',
  async t => {
    const { cluster, handle, primary, second, third, record, levelled } = await withChunk(t)
    await primary.die()
    primary.doubtful.add(handle)
    await primary.restart()
    await cluster.clock.advance(1_000)
    t.match(record(), { version: 2, settledVersion: 2, replicaCount: 3 })
    const source = [second, third].find(server => server.told('level').some(said => !said.source))
    t.ok(source, 'it was not the one that crashed')
    t.same(
      levelled().sort(),
      [primary, second, third].map(({ id }) => `${id} ${id === source?.id ? '' : source?.id}`).sort(),
    )
    await cluster.clock.advance(5_000)
    t.equal(record()?.version, 2, 'once')
  },
)

t.test('until then readers are not sent to a replica in doubt, nor are clients to cache where it is', async t => {
  const { cluster, file, handle, primary, second } = await withChunk(t)
  for (const server of cluster.servers) server.react = ({ $case }) => ($case === 'raise' ? 'IO' : undefined)
  await primary.die()
  primary.doubtful.add(handle)
  await primary.restart()
  await cluster.clock.advance(10)
  const names = (await cluster.read(file)).replicas.map(({ serverId }) => serverId)
  t.notOk(names.includes(primary.id))
  t.ok(names.includes(second.id))
})

t.test('the chunks of a primary that died are read only when they are level', async t => {
  const { cluster, file, primary, record, levelled } = await withChunk(t, { leased: true })
  await primary.die()
  await cluster.clock.advance(500)
  t.equal(record()?.version, 1, 'it may be back soon: nobody has asked')
  t.same(cluster.invalidated, [file], 'but clients must')
  const chunk = await cluster.read(file)
  t.equal(chunk.version, 2)
  t.equal(levelled().length, 2)
  t.equal(chunk.replicas.length, 2)
})

t.test('they are made level when it is back, if nobody has asked', async t => {
  const { cluster, primary, record, levelled } = await withChunk(t, { leased: true })
  await primary.die()
  await cluster.clock.advance(500)
  await primary.restart()
  await cluster.clock.advance(1_000)
  t.match(record(), { version: 2, settledVersion: 2, replicaCount: 3 })
  t.equal(levelled().length, 3)
})

t.test('they are made level without it when it has been waited for long enough', async t => {
  const { cluster, primary, record, levelled } = await withChunk(t, { leased: true })
  await primary.die()
  await cluster.clock.advance(repairDelayMs - 1_000)
  t.equal(record()?.version, 1)
  await cluster.clock.advance(2_000)
  t.match(record(), { version: 2, settledVersion: 2, replicaCount: 2 })
  t.equal(levelled().length, 2)
})

t.test('they are not while others of its replicas are expected back from maintenance', async t => {
  const { cluster, primary, second, third, record } = await withChunk(t, { leased: true })
  second.say({ $case: 'goodbye', value: {} })
  await second.die()
  await primary.die()
  await cluster.clock.advance(2 * repairDelayMs)
  t.equal(record()?.version, 1)
  await second.restart()
  await cluster.clock.advance(1_000)
  t.match(record(), { version: 2, settledVersion: 2, replicaCount: 2 })
  t.equal(third.told('level').length, 1)
})

t.test('nothing is tried while nobody has a replica', async t => {
  const { cluster, primary, second, third, record } = await withChunk(t, { leased: true })
  for (const server of [primary, second, third]) await server.die()
  await cluster.clock.advance(2 * repairDelayMs)
  t.equal(record()?.version, 1)
  await third.restart()
  await cluster.clock.advance(10_000)
  t.match(record(), { settledVersion: 2, replicaCount: 1 })
})

t.test('a primary that says goodbye leaves nothing in doubt', async t => {
  const { cluster, primary, record } = await withChunk(t, { leased: true })
  primary.say({ $case: 'goodbye', value: {} })
  await primary.die()
  await primary.restart()
  await cluster.clock.advance(1_000)
  t.equal(record()?.version, 1)
})

t.test('a primary that says that its lease ended with mutations under way has them levelled', async t => {
  const { cluster, handle, primary, record } = await withChunk(t)
  primary.doubtful.add(handle)
  primary.report(false)
  await cluster.clock.advance(1_000)
  t.equal(record()?.version, 2)
})

t.test('a master that starts anew learns from the secondaries that a primary has died meanwhile', async t => {
  const { cluster, handle, primary, second, third, record } = await withChunk(t, { leased: true })
  for (const server of [second, third]) server.followed.set(handle, 2 ** 32 + 1)
  await primary.die()
  await cluster.restartMaster()
  for (const server of [second, third]) server.connect()
  await primary.restart()
  await cluster.clock.advance(10_000)
  t.match(record(), { version: 2, replicaCount: 3 })
})

t.test('a lease that its holder claims is no reason for doubt', async t => {
  const { cluster, handle, primary, second, third, record } = await withChunk(t, { leased: true })
  for (const server of [second, third]) server.followed.set(handle, 2 ** 32 + 1)
  primary.leases.set(handle, { leaseId: 2 ** 32 + 1, remainingMs: 50_000, secondaries: [second.id, third.id] })
  await cluster.restartMaster()
  for (const server of cluster.servers) server.connect()
  await cluster.clock.advance(10_000)
  t.equal(record()?.version, 1)
})

t.test('a chunk that is dropped is in doubt no more', async t => {
  const { cluster, handle, primary } = await withChunk(t, { leased: true })
  await primary.die()
  cluster.table.drop(handle)
  await cluster.clock.advance(1_000)
  await primary.restart()
  await cluster.clock.advance(1_000)
  t.equal(cluster.traced('version.raise').length, 0)
})
