// On the real networks and a real disk; everything else in this folder runs in memory.

import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { crc32 } from '@node-rs/crc32'
import t, { type Test } from 'tap'
import { SystemClock } from '../../src/base/clock.js'
import { type DataDirectory, openDataDirectory } from '../../src/base/data-directory.js'
import { deferred } from '../../src/base/deferred.js'
import { silentLog } from '../../src/base/log.js'
import { SystemRandom } from '../../src/base/random.js'
import { type Chunkserver, startChunkserver } from '../../src/chunkserver/daemon.js'
import { DiskStore } from '../../src/chunkserver/store/disk-store.js'
import { formatVersion } from '../../src/constants.js'
import { createDataClient } from '../../src/dataplane/data-client.js'
import { TcpNetwork } from '../../src/dataplane/tcp-network.js'
import { GrpcNetwork } from '../../src/rpc/grpc-network.js'
import { type Address, addressText } from '../../src/wire/address.js'
import type { Committed } from '../../src/wire/gen/mutation.js'
import { ChunkserverService } from '../../src/wire/gen/services.js'
import type { SessionId } from '../../src/wire/ids.js'
import { clusterId, FakeMaster, handle } from './harness.js'

const clock = new SystemClock()
const control = new GrpcNetwork(clock, silentLog)
const data = new TcpNetwork(clock, silentLog)
const local = { host: '127.0.0.1', port: 0 }
const location = { dc: 'a', rack: 'b', host: 'c' }
const id = { client: 1 as SessionId, counter: 1 }

async function startMaster(t: Test): Promise<FakeMaster> {
  const master = new FakeMaster(control)
  await master.start()
  t.teardown(() => master.stop())
  return master
}

async function startServer(
  t: Test,
  path: string,
  master: Address,
  listen = local,
): Promise<{ server: Chunkserver; dataDirectory: DataDirectory; close: () => Promise<void> }> {
  const dataDirectory = await openDataDirectory(path, 'chunkserver', { formatVersion })
  const settings = { master, listen, dataListen: local, location, control, data, clock, random: new SystemRandom() }
  const store = await DiskStore.open({ directory: join(path, 'chunks'), clock, log: silentLog })
  const server = await startChunkserver({ dataDirectory, store, log: silentLog, ...settings }).catch(async reason => {
    await dataDirectory.close()
    throw reason
  })
  const close = async () => {
    await server.close()
    await dataDirectory.close()
  }
  t.teardown(close)
  return { server, dataDirectory, close }
}

async function commit(server: Chunkserver, length: number): Promise<Committed> {
  const peer = control.connect(server.address)
  const stream = peer.open(ChunkserverService.mutate)
  const answer = deferred<Committed>()
  stream.onMessage(({ committed }) => committed && answer.resolve(committed))
  stream.send({ message: { $case: 'hello', value: { clusterId, sessionId: 1 } } })
  const mutations = [{ id, kind: { $case: 'write' as const, value: { offset: 0, length } } }]
  stream.send({ message: { $case: 'commit', value: { number: 1, handle, version: 1, mutations } } })
  const committed = await answer.promise
  peer.close()
  return committed
}

t.test('what was written is read, and is there after a restart from the same directory', async t => {
  const master = await startMaster(t)
  const paths = ['one', 'two'].map(name => join(t.testdir(), name))
  const started = await Promise.all(paths.map(path => startServer(t, path, master.address)))
  const [primary, secondary] = started.map(({ server }) => server) as [Chunkserver, Chunkserver]
  await Promise.all([primary.ready, secondary.ready])
  const create = { handle, version: 1 }
  t.equal(await master.command(secondary.serverId, { $case: 'create', value: create }), 'OK')
  const lease = { leaseId: 1, primary: primary.serverId, secondaries: [secondary.serverId], remainingMs: 60_000 }
  const secondaries = [master.serverAddress(secondary.serverId)]
  const grant = { handle, version: 1, lease, secondaries, create: true }
  t.equal(await master.command(primary.serverId, { $case: 'grant', value: grant }), 'OK')

  const client = createDataClient({ network: data, clock, log: silentLog, clusterId: () => clusterId })
  t.teardown(() => client.close())
  const bytes = Buffer.alloc(300_000, 'leasefs')
  const chain = [secondary.dataAddress, primary.dataAddress]
  const push = client.push({ id, chain, buffers: [bytes], length: bytes.length, crc32: crc32(bytes) })
  t.equal((await commit(primary, bytes.length)).failure, undefined)
  t.same(await push, { ok: true })

  await Promise.all(started.map(({ close }) => close()))
  for (const [index, path] of paths.entries()) {
    const { server } = await startServer(t, path, master.address)
    t.equal(server.serverId, [primary, secondary][index]?.serverId)
    await server.ready
    const request = { handle, version: 1, offset: 0, length: bytes.length }
    const { buffers } = await client.read(server.dataAddress, request)
    t.ok(bytes.equals(Buffer.concat(buffers)))
  }
})

t.test('a busy address is refused, and leaves nothing open', async t => {
  const master = await startMaster(t)
  const path = join(t.testdir(), 'one')
  await t.rejects(startServer(t, path, master.address, master.address), { code: 'ADDRESS_IN_USE' })
  await startServer(t, path, master.address)
})

t.test('a server of another cluster ends and says so', async t => {
  const master = await startMaster(t)
  const path = join(t.testdir(), 'one')
  mkdirSync(path)
  const directory = await openDataDirectory(path, 'chunkserver', { formatVersion })
  await directory.update({ clusterId: 'cluster-2' })
  await directory.close()
  const { server } = await startServer(t, path, master.address)
  t.match(await server.closed, { code: 'WRONG_CLUSTER' })
})

t.test('a server starts before its master', async t => {
  const master = new FakeMaster(control)
  await master.start()
  const { address } = master
  await master.stop()
  const { server } = await startServer(t, join(t.testdir(), 'one'), address)
  const later = new FakeMaster(control)
  later.address = address
  await later.start()
  t.teardown(() => later.stop())
  await server.ready
  t.ok(later.seen.has(server.serverId), addressText(address))
})
