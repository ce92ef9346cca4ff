import t, { type Test } from 'tap'
import { digestOf } from '../../../src/chunkserver/inspection/verify-replicas.js'
import { verifyReplicasMax } from '../../../src/chunkserver/limits.js'
import { checksumBlockSize } from '../../../src/constants.js'
import type { ListReplicasRequest, VerifyReplicasRequest } from '../../../src/wire/gen/mutation.js'
import { ChunkserverService } from '../../../src/wire/gen/services.js'
import { handle, TestCluster } from '../harness.js'

async function started(t: Test) {
  const cluster = await TestCluster.start(t, 2)
  await cluster.createChunk()
  await cluster.until(cluster.client(1).writeBytes(0, 'hello, reader'))
  const { clusterId } = cluster.master
  const peer = (index: number) => {
    const connected = cluster.control.connect(cluster.addressOf(index))
    t.teardown(() => connected.close())
    return connected
  }
  const verify = async (index: number, request: Partial<VerifyReplicasRequest> = {}) => {
    const question = { clusterId, replicas: [{ handle, version: 1 }], read: true, ...request }
    return await cluster.until(peer(index).call(ChunkserverService.verifyReplicas, question, { timeoutMs: 1000 }))
  }
  const list = async (index: number, request: Partial<ListReplicasRequest> = {}) => {
    const question = { clusterId, parts: 1, part: 0, ...request }
    return await cluster.until(peer(index).call(ChunkserverService.listReplicas, question, { timeoutMs: 1000 }))
  }
  return { cluster, verify, list }
}

t.test('replicas that hold the same say the same', async t => {
  const { verify } = await started(t)
  const [first, second] = [(await verify(0)).replicas[0], (await verify(1)).replicas[0]]
  t.match(first, { failure: undefined, length: 13, underWay: false, badBlocks: [] })
  t.same(first?.digest, second?.digest)
})

t.test('damage is found by who reads, and named by block', async t => {
  const { cluster, verify } = await started(t)
  cluster.at(1).disk.corruptByte(handle, 3)
  t.same((await verify(1, { read: false })).replicas[0]?.badBlocks, [])
  t.same((await verify(1)).replicas[0]?.badBlocks, [0])
  const reports = cluster.master.said('s1', 'report').flatMap(({ replicas }) => replicas)
  t.equal(reports.at(-1)?.damagedBlocks, 1, 'the master is told')
})

t.test('what is not here, or of another version, is said of that one alone', async t => {
  const { verify } = await started(t)
  const replicas = [
    { handle: 77, version: 1 },
    { handle, version: 2 },
    { handle, version: 1 },
  ]
  const reply = await verify(0, { replicas })
  t.same(
    reply.replicas.map(({ failure }) => failure?.code),
    ['NOT_FOUND', 'STALE_VERSION', undefined],
  )
  const many = Array.from({ length: verifyReplicasMax + 1 }, () => ({ handle, version: 1 }))
  t.equal((await verify(0, { replicas: many })).failure?.code, 'INVALID_ARGUMENT')
  t.equal((await verify(0, { clusterId: 'other' })).failure?.code, 'WRONG_CLUSTER')
})

t.test('what is in the store is listed in parts', async t => {
  const { list } = await started(t)
  t.match(await list(0), {
    replicas: [{ handle, version: 1, length: 13, doubtful: false, failed: false }],
    missing: [],
    strangers: [],
  })
  const parts = await Promise.all([0, 1].map(part => list(0, { parts: 2, part })))
  t.same(
    parts.map(({ replicas }) => replicas.length),
    handle % 2 === 0 ? [1, 0] : [0, 1],
  )
  t.equal((await list(0, { parts: 2, part: 2 })).failure?.code, 'INVALID_ARGUMENT')
})

t.test('a digest is of length, map and checksums, and of nothing beyond the length', async t => {
  const held = { length: checksumBlockSize + 1, blocks: Buffer.from([3]), checksums: Uint32Array.of(1, 2) }
  const digest = digestOf(held)
  t.same(digestOf({ ...held, blocks: Buffer.from([0xff, 1]), checksums: Uint32Array.of(1, 2, 3) }), digest)
  t.notSame(digestOf({ ...held, length: held.length + 1 }), digest)
  t.notSame(digestOf({ ...held, blocks: Buffer.from([1]) }), digest)
  t.notSame(digestOf({ ...held, checksums: Uint32Array.of(1, 3) }), digest)
})
