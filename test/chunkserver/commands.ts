import t from 'tap'
import { silentLog } from '../../src/base/log.js'
import { leaseMs } from '../../src/constants.js'
import { createDataClient } from '../../src/dataplane/data-client.js'
import { codeOf, handle, TestCluster } from './harness.js'

t.test('a replica is made once; told again, that is done', async t => {
  const cluster = await TestCluster.start(t, 1)
  const create = (version: number) => cluster.master.command('s0', { $case: 'create', value: { handle, version } })
  t.equal(await create(1), 'OK')
  t.equal(await create(1), 'OK')
  t.equal(await create(2), 'ALREADY_EXISTS')
  t.equal(await cluster.master.command('s0', { $case: 'create', value: { handle: 0, version: 1 } }), 'INVALID_ARGUMENT')
  t.equal(await cluster.master.command('s0', { $case: 'create', value: { handle: 9, version: 0 } }), 'INVALID_ARGUMENT')
})

t.test('a lease is granted for the version at hand, to this server, and never an older one', async t => {
  const cluster = await TestCluster.start(t, 2)
  t.equal(await cluster.grant('s0', ['s1']), 'NOT_FOUND')
  t.equal(await cluster.grant('s0', ['s1'], { create: true, leaseId: 5 }), 'OK')
  t.equal(await cluster.grant('s0', ['s1'], { leaseId: 5 }), 'OK', 'told again')
  t.equal(await cluster.grant('s0', ['s1'], { leaseId: 4 }), 'STALE_VERSION')
  t.equal(await cluster.grant('s0', ['s1'], { leaseId: 6, version: 2 }), 'STALE_VERSION')
  t.equal(await cluster.grant('s0', ['s1', 's1'], { leaseId: 6 }), 'INVALID_ARGUMENT')
  t.equal(await cluster.grant('s0', ['s0'], { leaseId: 6 }), 'INVALID_ARGUMENT')
})

t.test('a granted lease is counted from when the server sent the heartbeat that was answered last', async t => {
  const cluster = await TestCluster.start(t, 1)
  await cluster.clock.advance(800) // The last heartbeat was sent, and answered, at 500.
  await cluster.grant('s0', [], { create: true, remainingMs: 1000 })
  await cluster.clock.advance(650)
  t.equal(codeOf(await cluster.until(cluster.client(1).writeBytes(0, 'x'))), 'OK')
  const late = await TestCluster.start(t, 1)
  await late.clock.advance(800)
  await late.grant('s0', [], { create: true, remainingMs: 1000 })
  await late.clock.advance(705)
  t.equal(codeOf(await late.until(late.client(1).writeBytes(0, 'x'))), 'NOT_PRIMARY')
})

t.test('a revoked lease orders nothing more, and is given up when what was under way is done', async t => {
  const cluster = await TestCluster.start(t, 2)
  await cluster.createChunk()
  const client = cluster.client(1)
  const mutation = client.write(0, 1)
  await cluster.until(client.push(mutation.id, Buffer.from('x')))
  cluster.control.silence(cluster.addressOf(1))
  const underWay = client.commit([mutation])
  await cluster.clock.advance(10)
  const revoked = cluster.master.command('s0', { $case: 'revoke', value: { handle, leaseId: 1 } })
  let isRevoked = false
  revoked.then(() => {
    isRevoked = true
  })
  await cluster.clock.advance(100)
  t.equal(isRevoked, false)
  const refused = client.writeBytes(0, 'y')
  cluster.control.heal(cluster.addressOf(1))
  t.equal(codeOf(await cluster.until(underWay)), 'OK')
  t.equal(await cluster.until(revoked), 'OK')
  t.equal(codeOf(await cluster.until(refused)), 'NOT_PRIMARY')
  t.equal(await cluster.master.command('s0', { $case: 'revoke', value: { handle, leaseId: 1 } }), 'OK', 'told again')
})

t.test('a revoked lease does not wait for ever for what is under way', async t => {
  const cluster = await TestCluster.start(t, 2)
  await cluster.createChunk()
  const client = cluster.client(1)
  const mutation = client.write(0, 1)
  await cluster.until(client.push(mutation.id, Buffer.from('x')))
  cluster.control.silence(cluster.addressOf(1))
  const underWay = client.commit([mutation])
  await cluster.clock.advance(10)
  t.equal(await cluster.until(cluster.master.command('s0', { $case: 'revoke', value: { handle, leaseId: 1 } })), 'OK')
  t.equal(codeOf(await cluster.until(underWay)), 'REPLICA_FAILED')
})

t.test('a version is raised once, from the one at hand, and a primary keeps its lease', async t => {
  const cluster = await TestCluster.start(t, 1)
  await cluster.createChunk()
  const raise = (fromVersion: number, toVersion: number) =>
    cluster.master.command('s0', { $case: 'raise', value: { handle, fromVersion, toVersion } })
  t.equal(await raise(2, 3), 'STALE_VERSION')
  t.equal(await raise(1, 3), 'OK')
  t.equal(await raise(1, 3), 'OK', 'told again')
  t.equal(await raise(3, 2), 'STALE_VERSION')
  t.equal(cluster.at(0).disk.synced.get(handle)?.version, 3, 'durable')
  t.equal(codeOf(await cluster.until(cluster.client(1).writeBytes(0, 'x', 3))), 'OK')
})

t.test('a replica is deleted unless it is of a later version, and its lease ends with it', async t => {
  const cluster = await TestCluster.start(t, 1)
  await cluster.createChunk(2)
  const remove = (version: number) => cluster.master.command('s0', { $case: 'delete', value: { handle, version } })
  t.equal(await remove(1), 'STALE_VERSION')
  t.equal(await remove(2), 'OK')
  t.equal(await remove(2), 'OK', 'told again')
  t.equal(codeOf(await cluster.until(cluster.client(1).writeBytes(0, 'x', 2))), 'NOT_PRIMARY')
  t.equal(cluster.at(0).disk.replicas.size, 0)
  await cluster.clock.advance(leaseMs)
})

t.test('nothing is deleted at the word of a master that knows less than one before it', async t => {
  const cluster = await TestCluster.start(t, 0)
  const seen = { epoch: 3, id: 'three', index: 90 }
  const three = { epoch: 3, id: 'three', index: 50 }
  const historyOf = (index: number) => ({ starts: [three, { epoch: 4, id: 'four', index }], lostEpoch: 0, index: 200 })
  cluster.master.history = historyOf(60)
  await cluster.addServer('s0', { identity: { masterSeen: seen } })
  t.same(cluster.master.seen.get('s0')?.register.seen, seen, 'it says what it has seen')
  await cluster.createChunk()
  const remove = () => cluster.master.command('s0', { $case: 'delete', value: { handle, version: 1 } })
  t.equal(await remove(), 'NOT_PERMITTED')
  t.equal(cluster.at(0).disk.replicas.size, 1)
  t.same(cluster.at(0).directory.identity.masterSeen, seen)

  cluster.master.history = historyOf(91)
  cluster.master.seen.get('s0')?.session.close()
  await cluster.clock.advance(1000)
  t.equal(await remove(), 'OK', 'the right one is back')
  t.match(cluster.at(0).directory.identity.masterSeen, { epoch: 4, id: 'four' })
})

t.test('a command that nobody knows is refused', async t => {
  const cluster = await TestCluster.start(t, 1)
  t.equal(await cluster.master.command('s0', undefined as never), 'NOT_SUPPORTED')
})

t.test(
  'a replica is made level with that of another server, and what is late of an older order is refused',
  async t => {
    const cluster = await TestCluster.start(t, 2)
    await cluster.createChunk()
    t.equal(codeOf(await cluster.until(cluster.client(1).writeBytes(0, 'both'))), 'OK')
    const mutation = cluster.client(2).write(2, 3)
    await cluster.until(cluster.client(2).push({ client: 2, counter: 1 }, Buffer.from('one'), [cluster.at(0)]))
    cluster.client(2).commit([mutation]) // Its data never comes to the second: applied at the first only.
    await cluster.clock.advance(100)
    t.same(await cluster.contents(), ['boone', 'both'])
    const level = (server: string, from?: string) => {
      const source = from === undefined ? undefined : cluster.master.serverAddress(from)
      return cluster.master.command(server, { $case: 'level', value: { handle, version: 2, source, sourceVersion: 2 } })
    }
    t.equal(await cluster.until(level('s1')), 'STALE_VERSION')
    await cluster.until(cluster.master.command('s0', { $case: 'revoke', value: { handle, leaseId: 1 } }))
    t.match(
      cluster.master.said('s0', 'report').at(-1),
      { replicas: [{ handle, version: 1, doubtful: true }] },
      'it says so',
    )
    t.equal(await cluster.grant('s0', ['s1'], { leaseId: 2 }), 'STALE_VERSION', 'nor does it order anything so')
    for (const id of ['s0', 's1']) {
      await cluster.until(
        cluster.master.command(id, { $case: 'raise', value: { handle, fromVersion: 1, toVersion: 2 } }),
      )
    }
    t.equal(await cluster.until(level('s0')), 'OK')
    t.equal(await cluster.until(level('s1', 's0')), 'OK')
    t.same(await cluster.contents(), ['boone', 'boone'])
    t.equal(await cluster.grant('s1', ['s0'], { version: 2, leaseId: 3 }), 'OK')
    t.equal(await cluster.until(level('s1', 's0')), 'NOT_SUPPORTED', 'not while it orders')
  },
)

t.test('a replica as a crash left it is read when the master has said that it may be', async t => {
  const cluster = await TestCluster.start(t, 1)
  await cluster.createChunk()
  t.equal(codeOf(await cluster.until(cluster.client(1).writeBytes(0, 'text'))), 'OK')
  const crashed = await cluster.addServer('s1', { disk: cluster.at(0).disk })
  t.match(cluster.master.said('s1', 'report'), [{ replicas: [{ handle, doubtful: true }] }])
  const data = createDataClient({ network: cluster.data, clock: cluster.clock, log: silentLog })
  t.teardown(() => data.close())
  const read = () => cluster.until(data.read(crashed.server.dataAddress, { handle, version: 1, offset: 0, length: 4 }))
  await t.rejects(read(), { code: 'UNAVAILABLE' })
  const value = { handle, version: 1, source: undefined, sourceVersion: 0 }
  t.equal(await cluster.until(cluster.master.command('s1', { $case: 'level', value })), 'OK')
  t.equal(Buffer.concat([...(await read()).buffers]).toString(), 'text')
})
