import t from 'tap'
import { serverNamed } from '../../../src/master/chunks/server-name.js'
import { TestRoom } from './harness/room.js'

t.test('a server is named by its id, the beginning of it, or its control address', async t => {
  const testRoom = new TestRoom()
  for (const id of ['abc', 'abd', 'x']) testRoom.addServer(id, async () => {})
  const named = (text: string) => serverNamed(testRoom.room, text)
  t.equal(named('abc'), 'abc')
  t.equal(named('abd'), 'abd')
  t.equal(named('x'), 'x')
  t.throws(() => named('ab'), { code: 'INVALID_ARGUMENT' })
  t.throws(() => named(''), { code: 'NOT_FOUND' })
  t.throws(() => named('zzz'), { code: 'NOT_FOUND' })
})
