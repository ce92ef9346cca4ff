import t from 'tap'
import { Creations } from '../../../src/master/chunks/creations.js'
import type { ChunkHandle, ServerId } from '../../../src/wire/ids.js'

const [a, b] = ['a' as ServerId, 'b' as ServerId]
const handle = 1 as ChunkHandle

t.test('a creation has failed when no server has made a replica', async t => {
  const creations = new Creations()
  t.notOk(creations.failed(handle), 'never begun')
  t.notOk(creations.isOpen(handle))
  creations.begin(handle, [a, b])
  t.ok(creations.isOpen(handle))
  t.notOk(creations.failed(handle))
  creations.refused(handle, a)
  t.notOk(creations.failed(handle))
  creations.reported(b, () => false)
  t.ok(creations.failed(handle))
})

t.test('one replica is enough for the chunk to be real', async t => {
  const creations = new Creations()
  creations.begin(handle, [a, b])
  creations.refused(handle, a)
  creations.reported(b, () => true)
  creations.refused(handle, b)
  t.notOk(creations.failed(handle))
  creations.begin(handle, [a])
  creations.end(handle)
  creations.refused(handle, a)
  t.notOk(creations.failed(handle))
})

t.test('a server that was not asked says nothing by its report', async t => {
  const creations = new Creations()
  creations.begin(handle, [a])
  creations.reported(b, () => false)
  t.notOk(creations.failed(handle))
})
