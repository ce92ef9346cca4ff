import t from 'tap'
import { serverLeaseMs } from '../../../src/constants.js'
import { chunkOf, endLease, endServer, tell } from '../../../src/master/chunks/room.js'
import type { ChunkHandle, ServerId } from '../../../src/wire/ids.js'
import { TestRoom } from './harness/room.js'

const handle = 1 as ChunkHandle

t.test('a chunk that was dropped is a reason to ask again', async t => {
  const { room, table } = new TestRoom()
  t.throws(() => chunkOf(room, handle), { code: 'UNAVAILABLE' })
  await table.allocate(table.addFile(7, 1), [{ index: 0, replicaCount: 1 }])
  t.equal(chunkOf(room, handle).ino, 7)
})

t.test('only a server that is connected can be told', async t => {
  const test = new TestRoom()
  const body = { $case: 'create' as const, value: { handle, version: 1 } }
  await t.rejects(tell(test.room, 'a' as ServerId, body), { code: 'UNAVAILABLE' })
  await tell(test.room, test.addServer('a'), body)
  t.same(test.log, ['create a'])
})

t.test('a server that ends loses its replicas, its leases and its session', async t => {
  const test = new TestRoom()
  const { room } = test
  const [a, b] = [test.addServer('a'), test.addServer('b')]
  for (const server of [a, b]) room.replicas.put(server, handle, 1)
  room.leases.grant({ handle, version: 1, primary: a, secondaries: [b] }, 0)
  endServer(room, a, 'dead', 'as the test wants')
  t.same(room.replicas.of(handle), [{ server: b, version: 1 }])
  t.equal(room.leases.current(handle, 0), undefined)
  t.equal(room.servers.standing(a), 'gone')
  t.same(test.log, ['lease.revoke', 'close a', 'gone a b'], 'and the others hear of it')
})

t.test('ending a lease that is not there is nothing', async t => {
  const test = new TestRoom()
  endLease(test.room, handle, 'no reason')
  t.same(test.log, [])
})

t.test('absence proves something only after a server lease', async t => {
  t.ok(new TestRoom().room.absenceProvesAt >= serverLeaseMs)
})
