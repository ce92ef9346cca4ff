import t, { type Test } from 'tap'
import { secondarySilenceMs } from '../../../src/chunkserver/limits.js'
import { leaseMs } from '../../../src/constants.js'
import type { ReplicasFailed } from '../../../src/wire/gen/chunkserver.js'
import { codeOf, handle, TestCluster } from '../harness.js'

/** A master that raises the version without the failed ones. */
function raising(cluster: TestCluster, version = 2): ReplicasFailed[] {
  const reports: ReplicasFailed[] = []
  cluster.master.onFailed = async (server, failed) => {
    reports.push(failed)
    const left = cluster.servers.map(({ id }) => id).filter(id => !failed.serverIds.includes(id))
    const value = { handle: failed.handle, fromVersion: version - 1, toVersion: version }
    await Promise.all(left.map(id => cluster.master.command(id, { $case: 'raise', value })))
    const secondaries = left.filter(id => id !== server).map(id => cluster.master.serverAddress(id))
    const { number } = failed
    cluster.master.send(server, { $case: 'failedAck', value: { number, version, secondaries, failure: undefined } })
  }
  return reports
}

async function started(t: Test) {
  const cluster = await TestCluster.start(t, 3)
  await cluster.createChunk()
  const client = cluster.client(1)
  await cluster.until(client.writeBytes(0, 'first'))
  return { cluster, client }
}

t.test('when a secondary dies the commit completes with the survivors, under a raised version', async t => {
  const { cluster, client } = await started(t)
  const reports = raising(cluster)
  const mutation = client.write(0, 5)
  await cluster.until(client.push(mutation.id, Buffer.from('after')))
  cluster.control.reset(cluster.addressOf(2))
  await cluster.at(2).server.close()
  const committed = await cluster.until(client.commit([mutation]))
  t.equal(codeOf(committed), 'OK')
  t.match(reports, [{ handle, version: 1, leaseId: 1, serverIds: ['s2'], code: 'UNAVAILABLE' }])
  t.equal(codeOf(await cluster.until(client.writeBytes(0, 'later', 1))), 'STALE_VERSION')
  const later = cluster.client(2).write(0, 5)
  await cluster.until(client.push(later.id, Buffer.from('later'), cluster.servers.slice(0, 2)))
  t.equal(codeOf(await cluster.until(client.commit([later], { version: 2 }))), 'OK')
  t.same((await cluster.contents()).slice(0, 2), ['later', 'later'])
  t.same(
    cluster.traced('apply.done', 's1').map(({ serial }) => serial),
    [1, 2, 3],
    'serial numbers go on',
  )
})

t.test('a secondary that is silent has failed after a while, one that says it is alive has not', async t => {
  const { cluster, client } = await started(t)
  const reports = raising(cluster)
  cluster.control.silence(cluster.addressOf(1))
  const commit = client.writeBytes(0, 'x')
  await cluster.clock.advance(secondarySilenceMs / 2)
  t.equal(reports.length, 0)
  await cluster.clock.advance(secondarySilenceMs)
  t.match(reports, [{ serverIds: ['s1'], code: 'TIMEOUT' }])
  t.equal(codeOf(await cluster.until(commit)), 'OK')
})

t.test('data that a secondary never got costs that replica, not the order', async t => {
  const { cluster, client } = await started(t)
  const reports = raising(cluster)
  const mutation = client.write(0, 4)
  await cluster.until(client.push(mutation.id, Buffer.from('most'), cluster.servers.slice(0, 2)))
  t.equal(codeOf(await cluster.until(client.commit([mutation]))), 'OK')
  t.match(reports, [{ serverIds: ['s2'], code: 'DATA_UNKNOWN' }])
  t.same((await cluster.contents()).slice(0, 2), ['mostt', 'mostt'])
  t.match(cluster.master.said('s2', 'report').at(-1)?.replicas, [{ handle, version: 0 }], 'it reports itself')
})

t.test('both secondaries may fail, at once or one after the other', async t => {
  const { cluster, client } = await started(t)
  const reports = raising(cluster)
  for (const { server } of cluster.servers.slice(1)) cluster.control.silence(server.address)
  const commit = client.writeBytes(0, 'alone')
  await cluster.clock.advance(2 * secondarySilenceMs)
  t.equal(codeOf(await cluster.until(commit)), 'OK')
  t.same(reports[0]?.serverIds, ['s1', 's2'])
  t.equal((await cluster.contents())[0], 'alone')
})

t.test('while the master cannot answer nothing is ordered, and then everything goes on', async t => {
  const { cluster, client } = await started(t)
  const mutations = [client.write(0, 1), client.write(1, 1)]
  for (const { id } of mutations) await cluster.until(client.push(id, Buffer.from('x')))
  cluster.master.onFailed = (server, { number }) => {
    const failure = { code: 'UNAVAILABLE', message: 'not now' }
    cluster.master.send(server, { $case: 'failedAck', value: { number, version: 0, secondaries: [], failure } })
  }
  cluster.control.silence(cluster.addressOf(2))
  const first = client.commit(mutations.slice(0, 1))
  await cluster.clock.advance(secondarySilenceMs + 2000)
  const second = client.commit(mutations.slice(1))
  await cluster.clock.advance(1000)
  t.equal(cluster.traced('apply.sent').filter(({ serial }) => serial === 3).length, 0, 'the order stands still')
  const reports = raising(cluster)
  t.equal(codeOf(await cluster.until(first)), 'OK')
  t.equal(reports.length, 1)
  t.equal(codeOf(await cluster.until(second)), 'STALE_VERSION')
})

t.test('when the master says that the lease is another’s the outcome is unknown, and the order over', async t => {
  const { cluster, client } = await started(t)
  cluster.master.onFailed = (server, { number }) => {
    const failure = { code: 'NOT_PRIMARY', message: 'no' }
    cluster.master.send(server, { $case: 'failedAck', value: { number, version: 0, secondaries: [], failure } })
  }
  cluster.control.reset(cluster.addressOf(2))
  await cluster.at(2).server.close()
  t.equal(codeOf(await cluster.until(client.writeBytes(0, 'x'))), 'REPLICA_FAILED')
  t.equal(codeOf(await cluster.until(client.writeBytes(0, 'x'))), 'NOT_PRIMARY')
})

t.test('a lease that ends while a replica is failing ends the order', async t => {
  const { cluster, client } = await started(t)
  cluster.control.silence(cluster.addressOf(2))
  const commit = client.writeBytes(0, 'x')
  await cluster.clock.advance(2000)
  cluster.master.answering = false
  t.equal(codeOf(await cluster.until(commit)), 'REPLICA_FAILED')
  await cluster.clock.advance(2 * leaseMs)
  t.same(
    [...cluster.traced('apply.sent')].filter(({ serial }) => serial === 3),
    [],
  )
})

t.test('a primary whose own disk fails gives up its lease and its replica', async t => {
  const cluster = await TestCluster.start(t, 0)
  let broken = false
  await cluster.addServer('s0', {
    wrap: store =>
      new Proxy(store, {
        get(target, name) {
          if (name === 'write' && broken) return async () => Promise.reject(new Error('EIO'))
          const value = Reflect.get(target, name)
          return typeof value === 'function' ? value.bind(target) : value
        },
      }),
  })
  await cluster.addServer('s1')
  await cluster.createChunk()
  const client = cluster.client(1)
  await cluster.until(client.writeBytes(0, 'fine'))
  broken = true
  t.equal(codeOf(await cluster.until(client.writeBytes(0, 'x'))), 'REPLICA_FAILED')
  await cluster.clock.advance(1000)
  t.same(
    cluster.master.said('s0', 'report').flatMap(({ replicas }) => replicas),
    [],
    'it has registered again, without the replica',
  )
  t.equal(await cluster.grant('s0', ['s1'], { leaseId: 2 }), 'REPLICA_FAILED')
})
