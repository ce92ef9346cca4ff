import t from 'tap'
import { LeasefsError } from '../../../src/base/errors.js'
import { chooseSource, makeLevel } from '../../../src/master/chunks/make-level.js'
import type { CommandBody } from '../../../src/master/chunks/servers.js'
import type { ChunkHandle, ServerId } from '../../../src/wire/ids.js'
import { TestRoom } from './harness/room.js'

const handle = 1 as ChunkHandle

async function withServers(react: (server: string, body: CommandBody) => string | undefined = () => undefined) {
  const test = new TestRoom()
  const [record] = await test.table.allocate(test.table.addFile(7, 3), [{ index: 0, replicaCount: 3 }])
  if (!record) throw new Error('no chunk')
  const told: string[] = []
  const servers: ServerId[] = []
  for (const id of ['a', 'b', 'c']) {
    const obey = async (body: CommandBody) => {
      const from = body.$case === 'level' ? (body.value.source?.serverId ?? 'itself') : '?'
      told.push(`${id} from ${from}`)
      const code = react(id, body)
      if (code) throw new LeasefsError(code as 'IO', 'as the test wants')
    }
    servers.push(test.addServer(id, obey))
    await test.clock.advance(10)
  }
  return { room: test.room, record, servers, told }
}

t.test('the source is told first that it is the one, and the others get its bytes', async t => {
  const { room, record, servers, told } = await withServers()
  t.same(await makeLevel(room, record, servers, []), [])
  t.same(told, ['a from itself', 'b from a', 'c from a'], 'a has been there longest')
})

t.test('one that a crash may have cost something is not the source, unless there is no other', async t => {
  const { room, record, servers } = await withServers()
  room.doubts.reported(handle, 'a' as ServerId)
  t.equal(chooseSource(room, record, servers), 'b')
  for (const id of servers) room.doubts.reported(handle, id)
  t.equal(chooseSource(room, record, servers), 'a')
})

t.test('those that are not level are named', async t => {
  const { room, record, servers } = await withServers(id => (id === 'c' ? 'NO_SPACE' : undefined))
  t.same(await makeLevel(room, record, servers, []), ['c'])
})

t.test('a source that cannot be read is at fault itself, if it cannot be mended', async t => {
  const { room, record, servers } = await withServers((id, { $case }) => {
    return id === 'c' || $case === 'mend' ? 'CORRUPT' : undefined
  })
  t.same(await makeLevel(room, record, servers, []), ['a'])
})

t.test('a source that has been mended is one', async t => {
  let isMended = false
  const { room, record, servers, told } = await withServers((id, { $case }) => {
    if ($case === 'mend') isMended = true
    return id === 'c' && !isMended ? 'CORRUPT' : undefined
  })
  t.same(await makeLevel(room, record, servers, []), [])
  t.same(told.slice(-3), ['a from ?', 'b from a', 'c from a'])
})

t.test('one with damage is the source only if the others are worse', async t => {
  const { room, record, servers } = await withServers()
  room.damages.reported(handle, 'a' as ServerId, 1)
  t.equal(chooseSource(room, record, servers), 'b')
  for (const id of ['b', 'c']) room.doubts.reported(handle, id as ServerId)
  t.equal(chooseSource(room, record, servers), 'a')
})

t.test('a source that does not stand still is no source', async t => {
  const { room, record, servers, told } = await withServers(id => (id === 'a' ? 'TIMEOUT' : undefined))
  t.same(await makeLevel(room, record, servers, []), ['a'])
  t.same(told, ['a from itself'])
})
