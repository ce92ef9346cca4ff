import t from 'tap'
import { Damages } from '../../../src/master/chunks/damages.js'
import { damagedReplicasMax } from '../../../src/master/chunks/limits.js'
import type { ChunkHandle, ServerId } from '../../../src/wire/ids.js'

const [one, two] = [1 as ChunkHandle, 2 as ChunkHandle]
const [a, b] = ['a' as ServerId, 'b' as ServerId]

t.test('what servers report is kept until it is repaired, dropped or out of reach', async t => {
  const damages = new Damages()
  damages.reported(one, a, 3)
  damages.reported(one, b, 1)
  damages.reported(two, a, 1)
  t.equal(damages.size, 2)
  t.same([...damages.of(one).keys()], [a, b])
  damages.reported(one, b, 0)
  t.notOk(damages.concerns(one, b))
  t.ok(damages.concerns(one, a))
  damages.serverGone(a)
  t.equal(damages.size, 0)
  damages.reported(one, a, 1)
  damages.dropped(one)
  t.same([...damages.handles()], [])
})

t.test('attempts that fail are counted, and a later report does not forget them', async t => {
  const damages = new Damages()
  damages.failed(one, a, 'CORRUPT')
  t.equal(damages.size, 0, 'nothing is known of it')
  damages.reported(one, a, 2)
  damages.failed(one, a, 'UNAVAILABLE')
  damages.failed(one, a, 'CORRUPT')
  damages.reported(one, a, 5)
  t.same(damages.of(one).get(a), { blocks: 5, failures: 2, outcome: 'CORRUPT' })
})

t.test('there is a limit', async t => {
  const damages = new Damages()
  for (let handle = 1; handle <= damagedReplicasMax; handle++) damages.reported(handle as ChunkHandle, a, 1)
  damages.reported(one, b, 1)
  t.notOk(damages.concerns(one, b))
  damages.reported(one, a, 0)
  damages.reported(one, b, 1)
  t.ok(damages.concerns(one, b))
})
