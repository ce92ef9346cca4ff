import t from 'tap'
import { deferred } from '../../src/base/deferred.js'
import { InOrder } from '../../src/chunkserver/in-order.js'

t.test('tasks of one key follow one another, those of others do not wait', async t => {
  const order = new InOrder<string>()
  const seen: string[] = []
  const gate = deferred<void>()
  const first = order.run('a', async () => {
    await gate.promise
    seen.push('a1')
  })
  const failing = order.run('a', async () => {
    seen.push('a2')
    throw new Error('no')
  })
  const third = order.run('a', async () => seen.push('a3'))
  await order.run('b', async () => seen.push('b1'))
  t.same(seen, ['b1'])
  gate.resolve()
  await first
  await t.rejects(failing, { message: 'no' })
  await third
  t.same(seen, ['b1', 'a1', 'a2', 'a3'])
  await Promise.resolve()
  t.equal(order.size, 0, 'nothing is kept')
})

t.test('a task of a free key begins at once', async t => {
  const order = new InOrder<number>()
  let began = false
  const task = order.run(1, async () => {
    began = true
  })
  t.ok(began)
  await task
})
