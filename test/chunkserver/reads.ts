import { crc32 } from '@node-rs/crc32'
import t, { type Test } from 'tap'
import { silentLog } from '../../src/base/log.js'
import { serverLeaseMs } from '../../src/constants.js'
import { createDataClient } from '../../src/dataplane/data-client.js'
import { ChunkserverService } from '../../src/wire/gen/services.js'
import { handle, TestCluster } from './harness.js'

async function started(t: Test) {
  const cluster = await TestCluster.start(t, 2)
  await cluster.createChunk()
  await cluster.until(cluster.client(1).writeBytes(0, 'hello, reader'))
  const client = createDataClient({ network: cluster.data, clock: cluster.clock, log: silentLog })
  t.teardown(() => client.close())
  const read = (index: number, offset = 0, length = 100, version = 1, chunk = handle as number) => {
    const request = { handle: chunk as typeof handle, version, offset, length }
    return cluster.until(client.read(cluster.at(index).server.dataAddress, request))
  }
  const extents = async (index: number, request: { clusterId?: string; version?: number } = {}) => {
    const peer = cluster.control.connect(cluster.addressOf(index))
    t.teardown(() => peer.close())
    const full = { clusterId: cluster.master.clusterId, handle, version: 1, ...request }
    return cluster.until(peer.call(ChunkserverService.extents, full, { timeoutMs: 1000 }))
  }
  return { cluster, read, extents }
}

t.test('every replica of the version answers, with the checksum of what it sends', async t => {
  const { cluster, read } = await started(t)
  for (const index of [0, 1]) {
    const { buffers, crc32: checksum, length } = await read(index, 7)
    t.equal(Buffer.concat(buffers).toString(), 'reader')
    t.equal(length, 6)
    t.equal(checksum, crc32('reader'))
  }
  t.equal(cluster.traced('read.served', 's1').length, 1)
})

t.test('another version, no replica, damage and an impossible range are refused', async t => {
  const { cluster, read } = await started(t)
  await t.rejects(read(0, 0, 1, 2), { code: 'STALE_VERSION' })
  await t.rejects(read(0, 0, 1, 1, 77), { code: 'NOT_FOUND' })
  cluster.at(1).disk.corruptByte(handle, 3)
  await t.rejects(read(1, 0, 1), { code: 'CORRUPT' })
  t.equal(Buffer.concat((await read(0, 0, 5)).buffers).toString(), 'hello', 'the other one is well')
})

t.test('a server that lost its master serves no reads when its server lease ends', async t => {
  const { cluster, read } = await started(t)
  await cluster.master.stop()
  await cluster.clock.advance(serverLeaseMs / 4)
  await read(0)
  await cluster.clock.advance(serverLeaseMs)
  await t.rejects(read(0), { code: 'UNAVAILABLE' })
})

t.test('a replica with a gap serves no reads', async t => {
  const { cluster, read } = await started(t)
  const client = cluster.client(2)
  const mutation = client.write(0, 3)
  await cluster.until(client.push(mutation.id, Buffer.from('gap'), [cluster.at(0)]))
  client.commit([mutation])
  await cluster.clock.advance(11_000)
  await t.rejects(read(1), { code: 'UNAVAILABLE' })
})

t.test('the primary alone says where its order stands, the last mutation under way included', async t => {
  const { cluster, extents } = await started(t)
  t.match(await extents(0), { leaseId: 1, serial: 1 })
  t.match(await extents(1), { leaseId: undefined, serial: undefined })
  cluster.control.silence(cluster.addressOf(1))
  void cluster.client(2).writeBytes(20, 'not applied there')
  await cluster.clock.advance(100)
  t.match(await extents(0), { leaseId: 1, serial: 2 })
  cluster.control.heal(cluster.addressOf(1))
})

t.test('every replica says which of its blocks are stored, under the conditions of a read', async t => {
  const { cluster, extents } = await started(t)
  for (const index of [0, 1]) {
    const { failure, blocks, length } = await extents(index)
    t.equal(failure, undefined)
    t.equal(length, 13)
    t.same([blocks[0], blocks.subarray(1).every(byte => byte === 0)], [1, true])
  }
  t.match(await extents(0, { version: 2 }), { failure: { code: 'STALE_VERSION' } })
  t.match(await extents(0, { clusterId: 'another' }), { failure: { code: 'WRONG_CLUSTER' } })
  await cluster.master.stop()
  await cluster.clock.advance(2 * serverLeaseMs)
  t.match(await extents(0), { failure: { code: 'UNAVAILABLE' } })
})
