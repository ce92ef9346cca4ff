import t from 'tap'
import { deferred } from '../../../src/base/deferred.js'
import { Turns } from '../../../src/master/chunks/turns.js'

t.test('turns of one key come one after another', async t => {
  const turns = new Turns<string>()
  const gate = deferred<void>()
  const seen: string[] = []
  const first = turns.take('k', async () => {
    seen.push('first begins')
    await gate.promise
    seen.push('first ends')
    return 1
  })
  const second = turns.take('k', async () => {
    seen.push('second')
    return 2
  })
  t.ok(turns.busy('k'))
  t.same(seen, ['first begins'])
  gate.resolve()
  t.same(await Promise.all([first, second]), [1, 2])
  t.same(seen, ['first begins', 'first ends', 'second'])
  t.notOk(turns.busy('k'))
})

t.test('turns of other keys do not wait', async t => {
  const turns = new Turns<string>()
  const gate = deferred<void>()
  const first = turns.take('a', () => gate.promise)
  t.equal(await turns.take('b', async () => 'done'), 'done')
  gate.resolve()
  await first
})

t.test('idle waits for the turns under way', async t => {
  const turns = new Turns<string>()
  const gate = deferred<void>()
  const first = turns.take('k', () => gate.promise)
  let idle = false
  const waiting = turns.idle().then(() => {
    idle = true
  })
  await Promise.resolve()
  t.notOk(idle)
  gate.resolve()
  await Promise.all([first, waiting])
  t.ok(idle)
})

t.test('a turn that fails is followed by the next', async t => {
  const turns = new Turns<string>()
  const first = turns.take('k', async () => {
    throw new Error('no')
  })
  const second = turns.take('k', async () => 'yes')
  await t.rejects(first, { message: 'no' })
  t.equal(await second, 'yes')
})
