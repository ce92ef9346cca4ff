import t from 'tap'
import { SystemClock } from '../../src/base/clock.js'
import { connect, connectFileSystem } from '../../src/client/connect.js'
import { addressText } from '../../src/wire/address.js'
import { startCluster } from './harness/cluster.js'

t.test('a program gives the master, and the rest has defaults', async t => {
  const { settings, master } = await startCluster(t)
  const client = await connect({ ...settings, master: addressText(master.address), location: '/dc/rack1/host' })
  t.teardown(() => client.close())
  await client.writeFile('/f', 'hello')
  t.match(await client.stat('/f'), { uid: process.getuid?.() ?? 0, mode: 0o100644 })
})

t.test('without room for dirty bytes there is room for one mutation', async t => {
  const { settings } = await startCluster(t)
  const client = await connect({ ...settings, dirtyBytesMax: 0, readCacheBytesMax: 0 })
  t.teardown(() => client.close())
  await client.writeFile('/f', Buffer.alloc(3_000_000, 1))
  t.equal((await client.readFile('/f')).length, 3_000_000)
})

t.test('malformed options are refused before anything is opened', async t => {
  const bad = { code: 'INVALID_ARGUMENT' }
  await t.rejects(connect({ master: 'nowhere' }), bad)
  await t.rejects(connect({ master: '127.0.0.1:1', location: 'here' }), bad)
  await t.rejects(connect({ master: '127.0.0.1:1', timeoutMs: -1 }), bad)
  await t.rejects(connectFileSystem({ master: '127.0.0.1:1', dirtyBytesMax: Number.NaN }), bad)
})

t.test('no master is UNAVAILABLE, in the time that was given', async t => {
  const clock = new SystemClock()
  const began = clock.now()
  await t.rejects(connect({ master: '127.0.0.1:1', connectTimeoutMs: 200 }), { code: 'UNAVAILABLE' })
  t.ok(clock.now() - began < 5000)
})

t.test('a master of another cluster is refused', async t => {
  const { settings } = await startCluster(t)
  await t.rejects(connect({ ...settings, clusterId: 'another' }), { code: 'WRONG_CLUSTER' })
})
