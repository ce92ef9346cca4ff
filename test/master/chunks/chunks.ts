import t from 'tap'
import { GiB } from '../../../src/base/units.js'
import type { SessionId } from '../../../src/wire/ids.js'
import { FakeCluster } from './harness/cluster.js'

t.test('the space of connected servers is added up', async t => {
  const cluster = await FakeCluster.start(t, 2)
  t.same(cluster.chunks.space(), { totalBytes: 2 ** 42, freeBytes: 2 ** 41 })
  await cluster.server('s1').die()
  await cluster.clock.advance(500)
  t.same(cluster.chunks.space(), { totalBytes: 2 ** 41, freeBytes: 2 ** 40 })
})

t.test('what servers that are nearly full lack is added up', async t => {
  const cluster = await FakeCluster.start(t, 2)
  t.equal(cluster.chunks.shortage(), 0)
  for (const server of cluster.servers) server.freeBytes = 3 * GiB
  await cluster.clock.advance(500)
  t.equal(cluster.chunks.shortage(), 2 * GiB, 'two percent are more than 4 GiB')
  await cluster.server('s1').die()
  await cluster.clock.advance(500)
  t.equal(cluster.chunks.shortage(), GiB)
})

t.test('a replica that a client could not read is named last', async t => {
  const cluster = await FakeCluster.start(t, 3)
  const file = cluster.table.addFile(7, 3)
  const { handle } = await cluster.write(file)
  await cluster.clock.advance(0)
  const order = async () => (await cluster.read(file)).replicas.map(({ serverId }) => serverId)
  const [first = ''] = await order()
  await cluster.chunks.report({ handle, version: 1, serverId: first, code: 'CORRUPT' })
  t.equal((await order()).at(-1), first)
  t.equal((await order()).length, 3, 'it is hearsay: nothing is taken away')
})

t.test('close ends the sessions and the duties', async t => {
  const cluster = await FakeCluster.start(t, 2)
  await cluster.chunks.close()
  await cluster.clock.advance(10)
  for (const server of cluster.servers) t.equal(server.closedWith, 'CANCELLED')
  await cluster.chunks.close()
})

t.test('nobody waits for a lease of a master that is closed', async t => {
  const cluster = await FakeCluster.start(t, 1)
  const file = cluster.table.addFile(7, 1)
  await cluster.write(file)
  await cluster.server('s1').die()
  await cluster.clock.advance(500)
  const answer = cluster.chunks.locate(file, 0, 1, true, 9 as SessionId)
  await cluster.clock.advance(100)
  await cluster.chunks.close()
  await t.rejects(cluster.until(answer, 300), { code: 'UNAVAILABLE' })
})
