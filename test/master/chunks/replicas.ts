import t from 'tap'
import { Replicas } from '../../../src/master/chunks/replicas.js'
import type { ChunkHandle, ServerId } from '../../../src/wire/ids.js'

const a = 'a' as ServerId
const b = 'b' as ServerId
const [one, two] = [1 as ChunkHandle, 2 as ChunkHandle]

t.test('a chunk has the replicas that servers report', async t => {
  const replicas = new Replicas()
  replicas.beginReport(a)
  replicas.reported(a, one, 5)
  replicas.endReport(a)
  replicas.reported(b, one, 4)
  t.same(replicas.of(one), [
    { server: a, version: 5 },
    { server: b, version: 4 },
  ])
  t.same(replicas.of(two), [])
  t.equal(replicas.versionAt(b, one), 4)
  t.equal(replicas.versionAt(b, two), 0)
  t.equal(replicas.count(a), 1)
})

t.test('what a full report does not name is gone at its end', async t => {
  const replicas = new Replicas()
  replicas.put(a, one, 1)
  replicas.put(a, two, 1)
  replicas.beginReport(a)
  replicas.reported(a, two, 1)
  t.equal(replicas.versionAt(a, one), 1, 'until then it stays')
  replicas.endReport(a)
  t.equal(replicas.versionAt(a, one), 0)
  t.equal(replicas.versionAt(a, two), 1)
})

t.test('what happens during a report holds after it', async t => {
  const replicas = new Replicas()
  const three = 3 as ChunkHandle
  for (const handle of [one, two, three]) replicas.put(a, handle, 1)
  replicas.beginReport(a)
  replicas.put(a, one, 2)
  replicas.reported(a, one, 1)
  replicas.reported(a, two, 1)
  replicas.remove(a, two)
  replicas.endReport(a)
  t.equal(replicas.versionAt(a, one), 2, 'a piece from before the raise does not undo it')
  t.equal(replicas.versionAt(a, two), 0)
  t.equal(replicas.versionAt(a, three), 0)
})

t.test('a server that is gone holds nothing', async t => {
  const replicas = new Replicas()
  replicas.put(a, one, 1)
  replicas.dropServer(a)
  t.same(replicas.of(one), [])
  t.equal(replicas.count(a), 0)
  t.same(replicas.slice(a, 0, 10), { entries: [], next: undefined })
})
