import t from 'tap'
import { leaseMs } from '../../../src/constants.js'
import type { StatusReply } from '../../../src/wire/gen/admin.js'
import { MasterService } from '../../../src/wire/gen/services.js'
import type { ChunkHandle } from '../../../src/wire/ids.js'
import { FakeCluster } from './harness/cluster.js'
import { masterAddress } from './harness/fake-server.js'

/** A cluster of three with one written chunk without a lease, and damage to it on the first server. */
async function damaged(t: Parameters<typeof FakeCluster.start>[0]) {
  const cluster = await FakeCluster.start(t, 3)
  const file = cluster.table.addFile(7, 3)
  const { handle } = await cluster.write(file)
  await cluster.clock.advance(2 * leaseMs)
  const [first, second, third] = cluster.servers
  if (!first || !second || !third) throw new Error('three servers')
  const report = (server: typeof first, blocks: number) => {
    server.damaged.set(handle as ChunkHandle, blocks)
    server.report(false)
  }
  const status = async (): Promise<StatusReply> => {
    const peer = cluster.network.connect(masterAddress)
    const reply = peer.call(MasterService.status, {}, { timeoutMs: 1000 })
    await cluster.clock.advance(10)
    peer.close()
    return await reply
  }
  const record = () => cluster.table.chunk(handle as ChunkHandle)
  return { cluster, handle, first, second, third, report, status, record }
}

t.test(
  'a server with damaged blocks is told who has the chunk, and is not asked again when they are whole',
  async t => {
    const { cluster, handle, first, second, third, report, status, record } = await damaged(t)
    report(first, 2)
    t.match(await status(), { damagedChunks: 1, damaged: [{ ino: 7, index: 0, replicas: 1, blocks: 2, lost: false }] })
    await cluster.clock.advance(500)
    const [told] = first.told('mend')
    t.match(told, { handle, version: 1 })
    t.same(
      told?.sources.map(({ server }) => server?.serverId),
      [second.id, third.id],
    )
    await cluster.clock.advance(60_000)
    t.equal(first.told('mend').length, 1)
    t.match(await status(), { damagedChunks: 0, damaged: [] })
    t.equal(record()?.version, 1, 'nobody else has noticed anything')
  },
)

t.test('one that could not be mended is tried again, less and less often', async t => {
  const { cluster, first, report } = await damaged(t)
  first.react = ({ $case }) => ($case === 'mend' ? 'UNAVAILABLE' : undefined)
  report(first, 1)
  await cluster.clock.advance(10_000)
  const early = first.told('mend').length
  t.ok(early >= 3 && early <= 5, `${early} in ten seconds`)
  await cluster.clock.advance(300_000)
  const late = first.told('mend').length
  t.ok(late < early + 12, `${late} in five minutes`)
  first.react = () => undefined
  await cluster.clock.advance(70_000)
  t.equal(first.told('mend').length, late + 1)
})

t.test('blocks that no replica has are said to be lost, and no replica is given up for them', async t => {
  const { cluster, first, second, third, report, status, record } = await damaged(t)
  for (const server of [first, second, third]) {
    server.react = ({ $case }) => ($case === 'mend' ? 'CORRUPT' : undefined)
    report(server, 1)
  }
  await cluster.clock.advance(60_000)
  t.match(await status(), { damaged: [{ ino: 7, replicas: 3, lost: true }], chunksBelowGoal: 0 })
  t.match(record(), { version: 1, replicaCount: 3 })
  t.notOk(cluster.servers.some(server => server.told('delete').length > 0))
})

t.test('one whose own checksums differ from what all others have is made level with them', async t => {
  const { cluster, first, second, report, record } = await damaged(t)
  first.react = ({ $case }) => ($case === 'mend' ? 'CHANGED' : undefined)
  report(first, 1)
  report(second, 1)
  second.react = ({ $case }) => ($case === 'mend' ? 'UNAVAILABLE' : undefined)
  await cluster.clock.advance(20_000)
  t.match(record(), { version: 2, settledVersion: 2, replicaCount: 3 })
  const [told] = first.told('level')
  t.equal(told?.source?.serverId, cluster.servers[2]?.id, 'with the one that is whole')
})

t.test('a server that has missed a version has nothing to mend', async t => {
  const { cluster, handle, first, report, record } = await damaged(t)
  const made = record()
  if (!made) throw new Error('no chunk')
  await cluster.table.settle(made.handle, (await cluster.table.raise(made.handle, 1, 2)).version)
  report(first, 1)
  await cluster.clock.advance(1_000)
  t.same(first.told('mend'), [], `${handle}`)
})
