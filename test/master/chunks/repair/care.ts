import t from 'tap'
import { minute, second } from '../../../../src/base/units.js'
import { leaseMs } from '../../../../src/constants.js'
import {
  maintenanceMs,
  noticeMs,
  repairDelayMs,
  retryMinMs,
  stepMs,
} from '../../../../src/master/chunks/repair/limits.js'
import type { Method } from '../../../../src/rpc/control-network.js'
import { MasterService } from '../../../../src/wire/gen/services.js'
import type { ChunkHandle, ServerId } from '../../../../src/wire/ids.js'
import { FakeCluster } from '../harness/cluster.js'
import { masterAddress } from '../harness/fake-server.js'

const soon = noticeMs + 5 * stepMs

/** A cluster past the time in which a young master concludes nothing, with one chunk, and the servers that have it and that do not. */
async function withChunk(t: Parameters<typeof FakeCluster.start>[0], { servers = 4, goal = 3, minReplicas = 1 } = {}) {
  const cluster = await FakeCluster.start(t, servers, { minReplicas })
  await cluster.clock.advance(repairDelayMs)
  const ino = cluster.table.addFile(7, goal)
  const { handle, replicas } = await cluster.write(ino)
  await cluster.clock.advance(2 * leaseMs) // Nobody is in the middle of anything.
  const chunk = handle as ChunkHandle
  const having = replicas.map(({ serverId }) => cluster.server(serverId))
  const others = cluster.servers.filter(server => !having.includes(server))
  const call = async <Q, A>(method: Method<Q, A>, request: object): Promise<A> => {
    const peer = cluster.network.connect(masterAddress)
    try {
      return await cluster.until(peer.call(method, request as Q, { timeoutMs: 1000 }))
    } finally {
      peer.close()
    }
  }
  const record = () => {
    const found = cluster.table.chunk(chunk)
    if (!found) throw new Error('no chunk')
    return found
  }
  /** Servers whose replica is of the chunk's version. */
  const current = () =>
    cluster.servers.filter(({ replicas }) => replicas.get(chunk) === record().version).map(({ id }) => id)
  return { cluster, ino, chunk, having, others, call, record, current }
}

t.test('a server that vanished is waited for, and then its replicas are made elsewhere', async t => {
  const { cluster, having, others, record, current } = await withChunk(t)
  const [lost, ...left] = having
  await lost?.die()
  await cluster.clock.advance(repairDelayMs - 2 * second)
  t.same(others[0]?.told('copy'), [])
  await cluster.clock.advance(2 * second + soon)
  t.match(others[0]?.told('copy'), [{ handle: record().handle, version: 1 }])
  t.match(record(), { version: 2, settledVersion: 2, replicaCount: 3 })
  t.same(current().sort(), [...left, ...others].map(({ id }) => id).sort())
  t.ok(cluster.invalidated.includes(7), 'clients forget where the replicas were')
  t.match(await cluster.status(), { chunksBelowGoal: 0, repair: { queued: 0, copiedReplicas: 1 } })
})

t.test('who comes back in time is not replaced', async t => {
  const { cluster, having, others } = await withChunk(t)
  await having[0]?.die()
  await cluster.clock.advance(repairDelayMs / 2)
  await having[0]?.restart()
  await cluster.clock.advance(2 * minute)
  t.same(others[0]?.told('copy'), [])
  t.match(await cluster.status(), { chunksBelowGoal: 0 })
})

t.test('a chunk with one copy left is repaired at once', async t => {
  const { cluster, having, others, current } = await withChunk(t, { servers: 5 })
  await having[0]?.die()
  await having[1]?.die()
  await cluster.clock.advance(2 * second)
  t.same([...others].filter(server => server.told('copy').length > 0).length, 1)
  t.equal(current().length, 2)
  await cluster.clock.advance(repairDelayMs + soon)
  t.equal(current().length, 3)
})

t.test('an operator does not wait', async t => {
  const { cluster, having, call, current } = await withChunk(t)
  await having[0]?.die()
  await cluster.clock.advance(soon)
  t.match(await cluster.status(), { chunksBelowGoal: 1, repair: { queued: 1, repairs: 0 } })
  await call(MasterService.repair, { server: having[0]?.id.slice(0, 4) })
  await cluster.clock.advance(soon)
  t.equal(current().length, 3)
  await t.rejects(call(MasterService.repair, { server: having[1]?.id }), { code: 'INVALID_ARGUMENT' })
  await t.rejects(call(MasterService.repair, { server: 'nobody' }), { code: 'NOT_FOUND' })
})

t.test('an operator does not wait for what has only just been found missing either', async t => {
  const { cluster, having, call, current } = await withChunk(t)
  await having[0]?.die()
  await cluster.clock.advance(2 * stepMs)
  await call(MasterService.repair, { server: '' })
  await cluster.clock.advance(noticeMs / 2)
  t.equal(current().length, 3)
})

t.test('nothing is copied for a server that said goodbye, until its maintenance is over', async t => {
  const { cluster, having, others, current } = await withChunk(t)
  having[0]?.say({ $case: 'goodbye', value: {} })
  await having[0]?.die()
  await cluster.clock.advance(maintenanceMs - 2 * second)
  t.same(others[0]?.told('copy'), [])
  const [server] = (await cluster.status()).servers.filter(({ connected }) => !connected)
  t.ok((server?.maintenanceMs ?? 0) > 0)
  await cluster.clock.advance(2 * second + soon)
  t.equal(current().length, 3)
})

t.test('a master that has just started concludes nothing from who is not there yet', async t => {
  const { cluster, having, record } = await withChunk(t)
  await cluster.restartMaster()
  for (const server of cluster.servers) if (server !== having[0] && server !== having[1]) server.connect()
  await cluster.clock.advance(repairDelayMs - second)
  t.equal(cluster.servers.flatMap(server => server.told('copy')).length, 0, 'though one copy only is there')
  await cluster.clock.advance(soon)
  t.match(record(), { version: 2, replicaCount: 2 }, 'those that never came count as lost then')
})

t.test('what failed is removed, and tried again later', async t => {
  const { cluster, having, others, current, record } = await withChunk(t)
  const [target] = others
  if (target) target.react = ({ $case }) => ($case === 'copy' ? 'IO' : undefined)
  await having[0]?.die()
  await cluster.clock.advance(repairDelayMs + soon)
  t.ok((target?.told('copy').length ?? 0) > 0)
  t.match(target?.told('delete')[0], { version: 0 })
  t.equal(record().version, 1)
  if (target) target.react = () => undefined
  await cluster.clock.advance(8 * retryMinMs)
  t.equal(current().length, 3)
})

t.test('a copy that was needed no more when it was there is given up', async t => {
  const { cluster, having, others, record } = await withChunk(t)
  const [target] = others
  if (target) target.react = ({ $case }) => ($case === 'copy' ? 'hold' : undefined)
  await having[0]?.die()
  await cluster.clock.advance(repairDelayMs + soon)
  await having[0]?.restart()
  await cluster.clock.advance(second)
  target?.done()
  await cluster.clock.advance(second)
  t.match(record(), { version: 1 })
  t.match(target?.told('delete'), [{ version: 0 }])
  t.match(await cluster.status(), { chunksBelowGoal: 0, repair: { failedCopies: 0 } })
})

t.test('a stale replica that came back is made good where it is', async t => {
  const { cluster, ino, having, current } = await withChunk(t, { servers: 3 })
  const [lost] = having
  await lost?.die()
  for (const server of having) server.leases.clear()
  await cluster.write(ino)
  await lost?.restart()
  await cluster.clock.advance(repairDelayMs + soon)
  t.match(lost?.told('copy').length, 1)
  t.equal(current().length, 3)
})

t.test('a lease in force is revoked before the set changes, and the next write gets a new one', async t => {
  const { cluster, ino, chunk, having, others } = await withChunk(t)
  const lease = (await cluster.write(ino)).lease
  const secondary = having.find(({ id }) => id !== lease?.primary)
  cluster.server(lease?.primary ?? '').extend = [{ handle: chunk, leaseId: lease?.leaseId ?? 0 }]
  await secondary?.die()
  await cluster.clock.advance(repairDelayMs + soon)
  const primary = cluster.server(lease?.primary ?? '')
  t.match(primary.told('revoke').at(-1), { leaseId: lease?.leaseId })
  const next = (await cluster.write(ino)).lease
  t.ok((next?.leaseId ?? 0) > (lease?.leaseId ?? 0))
  t.ok([next?.primary, ...(next?.secondaries ?? [])].includes(others[0]?.id ?? ''))
})

t.test('a server that is emptied serves on until all it has is elsewhere', async t => {
  const { cluster, ino, having, others, call, current, chunk } = await withChunk(t)
  const leaving = having[0]
  const reply = await call(MasterService.drain, {
    server: leaving?.address.controlAddress,
    undo: false,
  })
  t.equal(reply.serverId, leaving?.id)
  await cluster.clock.advance(soon)
  t.notOk(current().includes(leaving?.id as ServerId))
  t.ok(current().includes(others[0]?.id as ServerId))
  t.notOk(leaving?.replicas.has(chunk), 'what is not needed any more is deleted')
  const status = await cluster.status()
  t.match(status.repair?.draining, [{ serverId: leaving?.id, remaining: 0, done: true }])
  t.ok(status.servers.find(({ server }) => server?.serverId === leaving?.id)?.draining)
  const { replicas } = await cluster.write(ino, 1)
  t.notOk(
    replicas.some(({ serverId }) => serverId === leaving?.id),
    'it gets nothing new',
  )
  await cluster.restartMaster()
  for (const server of cluster.servers) server.connect()
  await cluster.clock.advance(soon)
  t.ok((await cluster.status()).servers.find(({ server }) => server?.serverId === leaving?.id)?.draining, 'remembered')
  await call(MasterService.drain, { server: leaving?.id, undo: true })
  t.same((await cluster.status()).repair?.draining, [])
})

t.test('the only replica moves too', async t => {
  const { cluster, having, others, call, current } = await withChunk(t, { servers: 2, goal: 1 })
  await call(MasterService.drain, { server: having[0]?.id, undo: false })
  await cluster.clock.advance(soon)
  t.same(current(), [others[0]?.id])
})

t.test('what no other server can take is said, and stays', async t => {
  const { cluster, having, call, current } = await withChunk(t, { servers: 3 })
  await call(MasterService.drain, { server: having[0]?.id, undo: false })
  await cluster.clock.advance(soon)
  t.match((await cluster.status()).repair?.draining, [{ remaining: 1, withoutTarget: 1, done: false }])
  t.equal(current().length, 3)
})

t.test(
  'a goal that is raised is reached, and one that is lowered frees the replicas beyond it, after a while',
  async t => {
    const { cluster, ino, current, record, chunk } = await withChunk(t)
    const setGoal = (goal: number) => {
      cluster.table.files.set(ino, goal)
      cluster.table.records.set(chunk, { ...record(), goal })
      cluster.chunks.goalsChanged()
    }
    setGoal(4)
    await cluster.clock.advance(soon)
    t.equal(current().length, 4)
    setGoal(2)
    await cluster.clock.advance(minute - second)
    t.equal(current().length, 4, 'not at once')
    await cluster.clock.advance(3 * minute)
    t.equal(current().length, 2)
    t.equal(cluster.servers.filter(({ replicas }) => replicas.has(chunk)).length, 2, 'those beyond are deleted')
  },
)

t.test("use is evened out at an operator's word", async t => {
  const { cluster, having, others, call, chunk } = await withChunk(t, { servers: 2, goal: 1 })
  for (const server of having) server.freeBytes = 2 ** 39
  for (const server of others) server.freeBytes = 2 ** 41
  for (const server of cluster.servers) server.leases.clear()
  await cluster.clock.advance(2 * minute)
  await call(MasterService.rebalance, { percent: 10, stop: false })
  await cluster.clock.advance(soon)
  t.ok(others[0]?.replicas.has(chunk))
  t.notOk(having[0]?.replicas.has(chunk))
  t.match((await cluster.status()).repair?.rebalance, { percent: 10, movedReplicas: 1 })
  await cluster.clock.advance(10 * second)
  t.match((await cluster.status()).repair?.rebalance, { running: false }, 'nothing more can be moved')
  await t.rejects(call(MasterService.rebalance, { percent: 99, stop: false }), { code: 'INVALID_ARGUMENT' })
})

t.test('a chunk with too few replicas takes no writes until it is repaired, at once', async t => {
  const { cluster, ino, having, current } = await withChunk(t, { servers: 4, minReplicas: 3 })
  const [lost] = having
  await lost?.die()
  for (const server of having) server.leases.clear()
  await t.rejects(cluster.write(ino), { code: 'UNAVAILABLE' })
  await cluster.clock.advance(5 * stepMs)
  const { lease } = await cluster.write(ino)
  t.equal([lease?.primary, ...(lease?.secondaries ?? [])].length, 3)
  t.equal(current().filter(id => id !== lost?.id).length, 3)
  await cluster.servers.find(({ id }) => id !== lost?.id)?.die()
  await cluster.clock.advance(5 * second)
  await t.rejects(cluster.write(ino, 1), { code: 'UNAVAILABLE' }, 'nor are chunks made')
})

t.test('a chunk that a crash left half way to another version is put in order, and repaired', async t => {
  const { cluster, having, chunk, record, current } = await withChunk(t)
  await having[0]?.die()
  cluster.table.records.set(chunk, { ...record(), version: 2, settledVersion: 1, replicaCount: 2 })
  await cluster.clock.advance(repairDelayMs + 2 * soon)
  t.equal(record().settledVersion, record().version)
  t.equal(current().length, 3)
})

t.test('what was dropped while it waited is forgotten', async t => {
  const { cluster, having, chunk } = await withChunk(t)
  await having[0]?.die()
  await cluster.clock.advance(soon)
  t.match(await cluster.status(), { repair: { queued: 1 } })
  cluster.table.drop(chunk)
  await cluster.clock.advance(repairDelayMs)
  t.match(await cluster.status(), { repair: { queued: 0 } })
})
