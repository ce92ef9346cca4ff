import t from 'tap'
import { silentLog } from '../../src/base/log.js'
import { createDataClient } from '../../src/dataplane/data-client.js'
import { codeOf, handle, TestCluster } from './harness.js'

/** The first server has a written chunk under its lease, the second nothing. */
async function withChunk(t: Parameters<typeof TestCluster.start>[0]) {
  const cluster = await TestCluster.start(t, 2)
  await cluster.grant('s0', [], { create: true })
  t.equal(codeOf(await cluster.until(writeAt(cluster, 0, 'first text'))), 'OK')
  const copy = (bytesPerSecond = 0, version = 1) => {
    const source = cluster.master.serverAddress('s0')
    return cluster.until(
      cluster.master.command('s1', { $case: 'copy', value: { handle, version, source, bytesPerSecond } }),
    )
  }
  const told = (server: string, command: Parameters<typeof cluster.master.command>[1]) => {
    return cluster.until(cluster.master.command(server, command))
  }
  return { cluster, copy, told }
}

async function writeAt(cluster: TestCluster, offset: number, text: string, version = 1) {
  const client = cluster.client(1 + offset)
  const mutation = client.write(offset, text.length)
  await client.push(mutation.id, Buffer.from(text), [cluster.at(0)])
  return await client.commit([mutation], { version })
}

const textOf = (contents: string[]) => contents.map(text => text.replaceAll('\0', ''))

t.test('a replica is copied while it is written to, made level, and then counts', async t => {
  const { cluster, copy, told } = await withChunk(t)
  t.equal(await copy(), 'OK')
  t.equal(codeOf(await cluster.until(writeAt(cluster, 6, 'more'))), 'OK', 'the order goes on')
  t.equal(await told('s0', { $case: 'revoke', value: { handle, leaseId: 1 } }), 'OK')
  t.equal(await told('s0', { $case: 'raise', value: { handle, fromVersion: 1, toVersion: 2 } }), 'OK')
  const source = cluster.master.serverAddress('s0')
  t.equal(await told('s1', { $case: 'level', value: { handle, version: 0, source, sourceVersion: 2 } }), 'OK')
  t.equal(await told('s1', { $case: 'raise', value: { handle, fromVersion: 0, toVersion: 2 } }), 'OK')
  t.same(textOf(await cluster.contents()), ['first more', 'first more'])
  t.equal(cluster.at(1).disk.synced.get(handle)?.version, 2)
})

t.test('until then nobody is told of it, and it goes with the process or the session', async t => {
  const { cluster, copy } = await withChunk(t)
  t.equal(await copy(), 'OK')
  const again = await cluster.addServer('s2', { disk: cluster.at(1).disk })
  t.match(cluster.master.said('s2', 'report'), [{ replicas: [], last: true }])
  t.equal(again.disk.replicas.size, 0)
})

t.test('a replica that is not older is not made anew', async t => {
  const { cluster, copy } = await withChunk(t)
  t.equal(await cluster.master.command('s1', { $case: 'create', value: { handle, version: 1 } }), 'OK')
  t.equal(await copy(), 'ALREADY_EXISTS')
  t.equal(await copy(0, 2), 'STALE_VERSION', 'the source has no such version')
})

t.test('bytes come no faster than is asked', async t => {
  const { cluster, copy } = await withChunk(t)
  const large = Buffer.alloc(2 ** 20, 'x')
  const client = cluster.client(9)
  for (let index = 0; index < 4; index++) {
    const mutation = client.write(index * 2 ** 20, 2 ** 20)
    await cluster.until(client.push(mutation.id, large, [cluster.at(0)]))
    t.equal(codeOf(await cluster.until(client.commit([mutation]))), 'OK')
  }
  const started = cluster.clock.now()
  t.equal(await copy(2 ** 20), 'OK')
  const tookMs = cluster.clock.now() - started
  t.ok(tookMs > 2_500, `${tookMs} ms for 4 MiB at 1 MiB/s`)
})

t.test('a copy that is given up is removed', async t => {
  const { cluster, copy, told } = await withChunk(t)
  t.equal(await copy(), 'OK')
  t.equal(await told('s1', { $case: 'delete', value: { handle, version: 0 } }), 'OK')
  t.equal(cluster.at(1).disk.replicas.size, 0)
})

t.test('a replica that missed a version is made into the copy', async t => {
  const { cluster, copy, told } = await withChunk(t)
  t.equal(await told('s1', { $case: 'create', value: { handle, version: 1 } }), 'OK')
  t.equal(await told('s0', { $case: 'raise', value: { handle, fromVersion: 1, toVersion: 2 } }), 'OK')
  t.equal(await copy(0, 2), 'OK')
  t.equal(cluster.at(1).disk.replicas.get(handle)?.version, 0)
})

t.test('nobody is served from a copy', async t => {
  const { cluster, copy } = await withChunk(t)
  t.equal(await copy(), 'OK')
  const data = createDataClient({ network: cluster.data, clock: cluster.clock, log: silentLog })
  t.teardown(() => data.close())
  const read = data.read(cluster.at(1).server.dataAddress, { handle, version: 0, offset: 0, length: 4 })
  await t.rejects(cluster.until(read), { code: 'NOT_FOUND' })
})

t.test('who gives a copy up that is under way need not wait for it', async t => {
  const { cluster, copy, told } = await withChunk(t)
  const large = 'x'.repeat(2 ** 20)
  for (let index = 0; index < 8; index++) await cluster.until(writeAt(cluster, index * 2 ** 20, large))
  const slow = copy(1024)
  await cluster.clock.advance(10)
  t.equal(await copy(), 'UNAVAILABLE', 'one at a time')
  t.equal(await told('s1', { $case: 'delete', value: { handle, version: 0 } }), 'OK')
  t.equal(await slow, 'CANCELLED')
  t.equal(cluster.at(1).disk.replicas.size, 0)
})

t.test('what an earlier session asked for is removed when the server registers again', async t => {
  const { cluster, copy } = await withChunk(t)
  t.equal(await copy(), 'OK')
  cluster.master.seen.get('s1')?.session.close()
  await cluster.clock.advance(3000)
  t.equal(cluster.master.said('s1', 'report').length, 1, 'it has registered anew')
  t.equal(cluster.at(1).disk.replicas.size, 0)
})
