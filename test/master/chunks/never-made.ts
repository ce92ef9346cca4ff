import t from 'tap'
import { wasNeverMade } from '../../../src/master/chunks/never-made.js'
import { TestRoom } from './harness/room.js'

async function unmade(count: number) {
  const test = new TestRoom()
  const servers = ['a', 'b'].slice(0, count).map(id => test.addServer(id))
  const [record] = await test.table.allocate(test.table.addFile(7, 2), [{ index: 0, replicaCount: 2, placed: servers }])
  if (!record) throw new Error('no chunk')
  return { room: test.room, record, servers }
}

t.test('a chunk was never made if none has it of all who were told to make it', async t => {
  const { room, record, servers } = await unmade(2)
  t.ok(wasNeverMade(room, record))
  const [a, b] = servers
  if (!a || !b) throw new Error('two servers')
  room.replicas.put(b, record.handle, 1)
  t.notOk(wasNeverMade(room, record), 'one has it')
  room.replicas.remove(b, record.handle)
  room.servers.gone(b, 'dead')
  t.notOk(wasNeverMade(room, record), 'one is away')
})

t.test('a chunk that something was reported of was made', async t => {
  const { room, record } = await unmade(1)
  t.notOk(wasNeverMade(room, { ...record, placed: [] }))
})

t.test('while it is being made its servers say so themselves', async t => {
  const { room, record, servers } = await unmade(1)
  room.creations.begin(record.handle, servers)
  t.notOk(wasNeverMade(room, record))
  for (const server of servers) room.creations.refused(record.handle, server)
  t.ok(wasNeverMade(room, record))
})
