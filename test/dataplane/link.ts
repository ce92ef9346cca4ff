import t from 'tap'
import { LeasefsError } from '../../src/base/errors.js'
import { silentLog } from '../../src/base/log.js'
import { idleMs } from '../../src/dataplane/limits.js'
import { PushLink } from '../../src/dataplane/push-link.js'
import { ReadLink } from '../../src/dataplane/read-link.js'
import { bytesOf, Cluster, dataId, readOf } from './harness.js'

function options({ network, clock }: Cluster) {
  return { network, clock, log: silentLog, hello: () => ({ type: 'hello', clusterId: 'c', self: 'me' }) as const }
}

t.test('a link says hello, once, before all else', async t => {
  const cluster = new Cluster()
  const server = await cluster.rawServer()
  const link = new ReadLink(server.address, options(cluster))
  link.read(readOf(0, 1)).catch(() => {})
  await cluster.clock.advance(1)
  link.read(readOf(0, 1)).catch(() => {})
  await cluster.clock.advance(1)
  t.match(server.peers[0]?.frames, [{ type: 'hello', clusterId: 'c', self: 'me' }, { type: 'read' }, { type: 'read' }])
})

t.test('an idle link closes; one that is used does not', async t => {
  const cluster = new Cluster()
  const server = await cluster.server('a')
  const link = new ReadLink(server.address, options(cluster))
  await cluster.clock.advance(0.75 * idleMs)
  await cluster.until(link.read(readOf(0, 1)))
  await cluster.clock.advance(0.75 * idleMs)
  t.equal(link.closed, undefined)
  await cluster.clock.advance(0.5 * idleMs)
  t.match(link.closed, { code: 'CANCELLED' })
  await t.rejects(link.read(readOf(0, 1)), { code: 'CANCELLED' })
})

t.test('a link that is closed while it connects leaves no connection behind', async t => {
  const cluster = new Cluster()
  const server = await cluster.rawServer()
  const link = new PushLink(server.address, options(cluster))
  let told = 0
  link.onClosed = () => told++
  const failures: unknown[] = []
  const push = { id: dataId(1), length: 1, crc32: 0, rest: [] }
  link.begin(push, [bytesOf(1)], failure => failures.push(failure?.error.code))
  link.close(new LeasefsError('CANCELLED', 'not wanted any more'))
  link.close(new LeasefsError('CANCELLED', 'again'))
  await cluster.clock.advance(1)
  t.same(failures, ['CANCELLED'])
  t.equal(told, 1)
  t.ok(server.peers.every(({ closed, frames }) => closed && frames.length === 0))
})
