import t from 'tap'
import { BadReplicas } from '../../../src/master/chunks/bad-replicas.js'
import type { ChunkHandle, ServerId } from '../../../src/wire/ids.js'

const servers = ['a', 'b', 'c'] as ServerId[]
const [a, b] = servers as [ServerId, ServerId]
const handle = 1 as ChunkHandle

t.test('replicas that could not be read are named last', async t => {
  const bad = new BadReplicas()
  t.same(bad.lastOf(handle, 1, servers), ['a', 'b', 'c'])
  bad.note(a, handle, 1)
  t.same(bad.lastOf(handle, 1, servers), ['b', 'c', 'a'])
  bad.note(b, handle, 1)
  t.same(bad.lastOf(handle, 1, servers), ['c', 'a', 'b'])
})

t.test('another chunk, and another version, are not the same replica', async t => {
  const bad = new BadReplicas()
  bad.note(a, handle, 1)
  t.same(bad.lastOf(handle, 2, servers), ['a', 'b', 'c'])
  t.same(bad.lastOf(2 as ChunkHandle, 1, servers), ['a', 'b', 'c'])
})
