import t from 'tap'
import { verifyBlocksMax } from '../../../src/chunkserver/store/chunk-store.js'
import { checksumBlockSize as size } from '../../../src/constants.js'
import { ChunkserverService } from '../../../src/wire/gen/services.js'
import { handle, TestCluster } from '../harness.js'

t.test('who asks learns which blocks are damaged, and the master is told', async t => {
  const cluster = await TestCluster.start(t, 1)
  await cluster.createChunk()
  await cluster.until(cluster.client(1).writeBytes(0, 'x'.repeat(3 * size)))
  const peer = cluster.control.connect(cluster.addressOf(0))
  t.teardown(() => peer.close())
  const ask = (more: object = {}) => {
    const request = { clusterId: cluster.master.clusterId, handle, version: 1, first: 0, end: verifyBlocksMax, ...more }
    return cluster.until(peer.call(ChunkserverService.verifyBlocks, request, { timeoutMs: 1000 }))
  }
  t.same(await ask(), { failure: undefined, length: 3 * size, damaged: [] })
  cluster.at(0).disk.corruptByte(handle, size)
  t.same((await ask()).damaged, [1])
  t.same((await ask({ first: 2 })).damaged, [])
  const reports = cluster.master.said('s0', 'report').flatMap(({ replicas }) => replicas)
  t.equal(reports.at(-1)?.damagedBlocks, 1)

  t.equal((await ask({ version: 2 })).failure?.code, 'STALE_VERSION')
  t.equal((await ask({ handle: 77 })).failure?.code, 'NOT_FOUND')
  t.equal((await ask({ clusterId: 'another' })).failure?.code, 'WRONG_CLUSTER')
  for (const range of [{ end: 0 }, { end: verifyBlocksMax + 1 }, { first: 5, end: 4 }]) {
    t.equal((await ask(range)).failure?.code, 'INVALID_ARGUMENT')
  }
})
