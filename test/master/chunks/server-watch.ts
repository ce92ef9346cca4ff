import t from 'tap'
import { serverLeaseMs } from '../../../src/constants.js'
import { reportMsMax, reportPatienceMs } from '../../../src/master/chunks/limits.js'
import { parseAddress } from '../../../src/wire/address.js'
import { FakeCluster } from './harness/cluster.js'

const connected = async (cluster: FakeCluster) => (await cluster.status()).servers[0]?.connected

t.test('heartbeats keep a server connected', async t => {
  const cluster = await FakeCluster.start(t, 1)
  await cluster.clock.advance(20 * serverLeaseMs)
  t.equal(await connected(cluster), true)
  t.equal(cluster.server('s1').closedWith, undefined)
})

t.test('a server that says nothing for its server lease is cut off', async t => {
  const cluster = await FakeCluster.start(t, 1)
  const server = cluster.server('s1')
  server.quiet()
  await cluster.clock.advance(serverLeaseMs - 600)
  t.equal(await connected(cluster), true)
  await cluster.clock.advance(1_000)
  t.equal(server.closedWith, 'SESSION_LOST')
  t.equal(await connected(cluster), false)
  server.connect()
  await cluster.clock.advance(10)
  t.equal(await connected(cluster), true)
})

t.test('a closed session whose port refuses is a dead server', async t => {
  const cluster = await FakeCluster.start(t, 2)
  const file = cluster.table.addFile(7, 2)
  const chunk = await cluster.write(file)
  await cluster.clock.advance(0)
  await cluster.server('s1').die()
  await cluster.clock.advance(10)
  const read = await cluster.read(file, 0, 50)
  t.same(
    read.replicas.map(({ serverId }) => serverId),
    ['s2'],
  )
  const again = await cluster.write(file, 0, 100)
  t.ok(again.version === 2 || chunk.lease?.primary === 's2')
})

t.test('a report that does not end is not waited for', async t => {
  const cluster = await FakeCluster.start(t, 2)
  const file = cluster.table.addFile(7, 2)
  await cluster.write(file)
  await cluster.clock.advance(0)
  await cluster.server('s1').die()
  await cluster.clock.advance(100)
  const slow = await cluster.addServer({ id: 'slow' })
  slow.cut()
  slow.reports = false
  slow.connect()
  await cluster.clock.advance(reportPatienceMs)
  t.equal((await cluster.write(file, 0, 100)).version, 2)
  await cluster.clock.advance(reportMsMax)
  t.equal(slow.closedWith, 'SESSION_LOST')
})

t.test('a port that says nothing proves nothing', async t => {
  const cluster = await FakeCluster.start(t, 1)
  const file = cluster.table.addFile(7, 1)
  await cluster.write(file)
  await cluster.clock.advance(0)
  const server = cluster.server('s1')
  cluster.network.silence(parseAddress(server.address.controlAddress))
  server.cut()
  await cluster.clock.advance(1_000)
  t.equal(cluster.traced('lease.revoke').length, 0)
  server.connect()
  await cluster.clock.advance(10)
  t.equal((await cluster.read(file)).lease?.primary, 's1')
})

t.test('the process may die after its session has closed', async t => {
  const cluster = await FakeCluster.start(t, 1)
  const file = cluster.table.addFile(7, 1)
  await cluster.write(file)
  const server = cluster.server('s1')
  server.cut()
  await cluster.clock.advance(500)
  t.equal(cluster.traced('lease.revoke').length, 0)
  await server.die()
  await cluster.clock.advance(600)
  t.equal(cluster.traced('lease.revoke').length, 1)
})

t.test('a client that cannot reach a server has it asked; a living one stays', async t => {
  const cluster = await FakeCluster.start(t, 1)
  const report = { handle: 1, version: 1, serverId: 's1', code: 'UNAVAILABLE' }
  await cluster.chunks.report(report)
  await cluster.clock.advance(10)
  t.equal(await connected(cluster), true)
  await t.rejects(cluster.chunks.report({ ...report, handle: 0 }), { code: 'INVALID_ARGUMENT' })
  await t.rejects(cluster.chunks.report({ ...report, serverId: '' }), { code: 'INVALID_ARGUMENT' })
  await cluster.chunks.report({ ...report, serverId: 'nobody' })
  await cluster.clock.advance(10)
})

t.test('a master that was held up itself concludes nothing from silence', async t => {
  const cluster = await FakeCluster.start(t, 1)
  const server = cluster.server('s1')
  server.quiet()
  // One leap: no duty ran in between, as when a machine wakes up.
  cluster.clock.now = () => heldUp
  const heldUp = 60_000
  await cluster.clock.advance(250)
  t.equal(server.closedWith, undefined)
})
