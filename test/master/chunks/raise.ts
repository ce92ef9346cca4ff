import t from 'tap'
import { LeasefsError } from '../../../src/base/errors.js'
import { leaveBehind, raiseUnmade, raiseVersion } from '../../../src/master/chunks/raise.js'
import type { CommandBody } from '../../../src/master/chunks/servers.js'
import type { ChunkHandle, ServerId } from '../../../src/wire/ids.js'
import { TestRoom } from './harness/room.js'

const handle = 1 as ChunkHandle
const members = (...servers: ServerId[]) => servers.map(server => ({ server, version: 1 }))

async function withChunk() {
  const test = new TestRoom()
  const [record] = await test.table.allocate(test.table.addFile(7, 2), [{ index: 0, replicaCount: 2 }])
  if (!record) throw new Error('no chunk')
  return { test, record }
}

t.test('a version is journaled, then told, then settled', async t => {
  const { test, record } = await withChunk()
  const seen: unknown[] = []
  const look = async () => {
    seen.push(test.table.chunk(handle))
  }
  const [a, b] = [test.addServer('a', look), test.addServer('b', look)]
  const outcome = await raiseVersion(test.room, record, members(a, b))
  t.match(outcome, { record: { version: 2, settledVersion: 2, replicaCount: 2 }, failed: [] })
  t.match(seen, [{ version: 2, settledVersion: 1 }, {}])
  t.same(test.log, ['version.raise', 'raise a', 'raise b', 'level a', 'level b'])
  t.equal(test.room.replicas.versionAt(a, handle), 2)
})

t.test('a version that one did not take is not settled', async t => {
  const { test, record } = await withChunk()
  const a = test.addServer('a')
  const b = test.addServer('b', async () => {
    throw new LeasefsError('IO', 'no')
  })
  const outcome = await raiseVersion(test.room, record, members(a, b))
  t.match(outcome, { record: { version: 2, settledVersion: 1 }, failed: ['b'] })
  t.same(
    (await raiseVersion(test.room, outcome.record, [{ server: a, version: 2 }])).record,
    test.table.chunk(handle),
    'the next one goes on from there',
  )
})

t.test('replicas of a primary that has kept its lease are level', async t => {
  const { test, record } = await withChunk()
  await raiseVersion(test.room, record, members(test.addServer('a'), test.addServer('b')), { areLevel: true })
  t.same(test.log, ['version.raise', 'raise a', 'raise b'])
})

t.test('a replica that joins gets the bytes first and the version then', async t => {
  const { test, record } = await withChunk()
  const told: unknown[] = []
  const note = async (body: CommandBody) => {
    told.push(body)
  }
  const [a, b] = [test.addServer('a'), test.addServer('b', note)]
  test.room.doubts.orderLost(handle)
  const outcome = await raiseVersion(test.room, record, members(a), { joiners: [{ server: b, version: 0 }] })
  t.match(outcome, { record: { version: 2, settledVersion: 2, replicaCount: 2 }, failed: [] })
  t.match(told, [
    { $case: 'level', value: { handle, version: 0, source: { serverId: 'a' }, sourceVersion: 2 } },
    { $case: 'raise', value: { handle, fromVersion: 0, toVersion: 2 } },
  ])
  t.notOk(test.room.doubts.has(handle))
})

t.test('one that cannot be made level is not of the set, and does not get the version if it was to join', async t => {
  const { test, record } = await withChunk()
  const told: string[] = []
  const a = test.addServer('a')
  const b = test.addServer('b', async ({ $case }) => {
    told.push($case)
    throw new LeasefsError('IO', 'no')
  })
  const outcome = await raiseVersion(test.room, record, members(a), { joiners: [{ server: b, version: 0 }] })
  t.match(outcome, { record: { version: 2, settledVersion: 1 }, failed: ['b'] })
  t.same(told, ['level'])
})

t.test('a chunk that is dropped meanwhile is a reason to ask again', async t => {
  const { test, record } = await withChunk()
  test.table.drop(handle)
  await t.rejects(raiseVersion(test.room, record, members(test.addServer('a'))), { code: 'UNAVAILABLE' })
  await t.rejects(raiseUnmade(test.room, record, ['a' as ServerId]), { code: 'UNAVAILABLE' })
})

t.test('an unmade chunk is raised without telling anyone', async t => {
  const { test, record } = await withChunk()
  t.match(await raiseUnmade(test.room, record, ['a', 'b', 'c'] as ServerId[]), { settledVersion: 2, replicaCount: 3 })
  t.same(test.log, ['version.raise'])
})

t.test('what is left behind is deleted, and forgotten by clients', async t => {
  const { test, record } = await withChunk()
  const a = test.addServer('a')
  const b = test.addServer('b', async () => {
    throw new LeasefsError('TIMEOUT', 'hangs')
  })
  for (const server of [a, b]) test.room.replicas.put(server, handle, 1)
  await leaveBehind(test.room, { ...record, version: 2, settledVersion: 2 }, [a, b, 'gone' as ServerId])
  t.same(test.log, ['invalidate 7', 'delete a', 'delete b'])
  t.same(test.room.replicas.of(handle), [{ server: b, version: 1 }])
})
