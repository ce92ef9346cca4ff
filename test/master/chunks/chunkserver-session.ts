import t from 'tap'
import { formatVersion, leaseMs, serverLeaseMs } from '../../../src/constants.js'
import { registerTimeoutMs } from '../../../src/master/chunks/limits.js'
import { MasterService } from '../../../src/wire/gen/services.js'
import { FakeCluster } from './harness/cluster.js'
import { masterAddress } from './harness/fake-server.js'

const undoubted = { doubtful: false, followedLeaseId: 0, damagedBlocks: 0 }

t.test('a registered server is told the cluster and the leases', async t => {
  const cluster = await FakeCluster.start(t)
  const server = await cluster.addServer({ id: 'a' })
  const history = { starts: [{ epoch: 1, id: 'start', index: 10 }], lostEpoch: 0, index: 100 }
  t.same(server.registered, { clusterId: 'the-cluster', serverLeaseMs, leaseMs, history, failure: undefined })
  t.match((await cluster.status()).servers, [{ server: { serverId: 'a' }, connected: true }])
})

const refusals: [name: string, code: string, change: Record<string, unknown>][] = [
  ['a server of another cluster', 'WRONG_CLUSTER', { clusterId: 'another' }],
  ['a server of another format', 'NEWER_FORMAT', { formatVersion: formatVersion + 1 }],
  ['a server without an id', 'INVALID_ARGUMENT', { server: undefined }],
  ['a server without a place', 'INVALID_ARGUMENT', { incarnation: '?' }],
]
for (const [name, code, change] of refusals) {
  t.test(`${name} is refused, and told why`, async t => {
    const cluster = await FakeCluster.start(t)
    const server = await cluster.addServer({ id: 'a' })
    await server.die()
    await cluster.clock.advance(500)
    server.register = change
    await server.restart()
    await cluster.clock.advance(10)
    t.match(server.registered?.failure, { code })
    t.equal(server.closedWith, code)
    t.match((await cluster.status()).servers, [{ connected: false }])
  })
}

t.test('a session begins with register, and has one', async t => {
  const cluster = await FakeCluster.start(t)
  const stream = cluster.network.connect(masterAddress).open(MasterService.chunkserverSession)
  let code: string | undefined
  stream.onClose(reason => {
    code = reason.code
  })
  stream.send({ message: { $case: 'goodbye', value: {} } })
  await cluster.clock.advance(10)
  t.equal(code, 'INVALID_ARGUMENT')

  const server = await cluster.addServer({ id: 'a' })
  const again = { clusterId: '', server: server.address, incarnation: 'i', formatVersion, totalBytes: 0, freeBytes: 0 }
  server.say({ $case: 'register', value: again })
  await cluster.clock.advance(10)
  t.equal(server.closedWith, 'INVALID_ARGUMENT')
})

t.test('who does not register in time is cut off', async t => {
  const cluster = await FakeCluster.start(t)
  const stream = cluster.network.connect(masterAddress).open(MasterService.chunkserverSession)
  let code: string | undefined
  stream.onClose(reason => {
    code = reason.code
  })
  await cluster.clock.advance(registerTimeoutMs - 1)
  t.equal(code, undefined)
  await cluster.clock.advance(10)
  t.equal(code, 'TIMEOUT')
})

t.test('whoever breaks the protocol loses the session, and the master goes on', async t => {
  const cluster = await FakeCluster.start(t, 1)
  const server = cluster.server('s1')
  const replica = { handle: 0, version: 1, length: 0, leaseId: 0, leaseRemainingMs: 0, secondaries: [], ...undoubted }
  server.say({ $case: 'report', value: { replicas: [replica], last: false } })
  await cluster.clock.advance(10)
  t.equal(server.closedWith, 'INVALID_ARGUMENT')
  server.connect()
  server.say(undefined)
  await cluster.clock.advance(10)
  t.equal(server.closedWith, 'INVALID_ARGUMENT')
  server.connect()
  await cluster.clock.advance(10)
  t.match((await cluster.status()).servers, [{ connected: true }])
})

t.test('a goodbye ends what the server held, at once', async t => {
  const cluster = await FakeCluster.start(t, 2)
  const file = cluster.table.addFile(7, 2)
  const chunk = await cluster.write(file)
  await cluster.clock.advance(0)
  const primary = cluster.server(chunk.lease?.primary ?? '')
  primary.say({ $case: 'goodbye', value: {} })
  await cluster.clock.advance(10)
  t.match(cluster.traced('lease.revoke'), [{ leaseId: chunk.lease?.leaseId }])
  const again = await cluster.write(file, 0, 100)
  t.match(again, { version: 2 })
  t.not(again.lease?.primary, primary.id)
})

t.test('a new incarnation proves the older one dead', async t => {
  const cluster = await FakeCluster.start(t, 2)
  const file = cluster.table.addFile(7, 2)
  const chunk = await cluster.write(file)
  await cluster.clock.advance(0)
  const primary = cluster.server(chunk.lease?.primary ?? '')
  primary.leases.clear()
  primary.quiet()
  await primary.restart()
  await cluster.clock.advance(10)
  t.match(cluster.traced('lease.revoke'), [{ leaseId: chunk.lease?.leaseId }])
  const again = await cluster.write(file, 0, 100)
  t.equal(again.version, 2, 'what it had ordered, and not finished, nobody knows: they are made level')
  t.equal(again.replicas.length, 2, 'nothing is missing')
  t.ok((again.lease?.leaseId ?? 0) > (chunk.lease?.leaseId ?? 0))
})

t.test('an older incarnation is refused for good', async t => {
  const cluster = await FakeCluster.start(t, 1)
  const server = cluster.server('s1')
  server.incarnation = 2
  server.connect()
  await cluster.clock.advance(10)
  server.incarnation = 1
  server.connect()
  await cluster.clock.advance(10)
  t.match(server.registered?.failure, { code: 'ALREADY_EXISTS' })
})

t.test('heartbeats tell what is free', async t => {
  const cluster = await FakeCluster.start(t, 2)
  cluster.server('s1').freeBytes = 1_000
  cluster.server('s2').freeBytes = 500
  await cluster.clock.advance(600)
  t.same(cluster.chunks.space(), { totalBytes: 2 ** 42, freeBytes: 1_500 })
})
