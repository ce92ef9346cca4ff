import t from 'tap'
import { MemoryStore } from '../../../src/master/state/memory-store.js'
import { State } from '../../../src/master/state/state.js'

t.test('a transaction that throws leaves no trace, in memory neither', async t => {
  const state = new State(new MemoryStore())
  const failing = () =>
    state.transaction(() => {
      state.meta.change({ nextIno: 9 })
      state.sessions.put({ id: 1 as never, description: '' })
      state.answers.remember(1, { number: 1, failure: undefined, result: { $case: 'done', value: {} }, changed: [] })
      throw new Error('no')
    })
  t.throws(failing, { message: 'no' })
  t.equal(state.meta.current.nextIno, 1)
  t.same(state.sessions.list(), [])
  t.equal(state.answers.count(1), 0)
  t.equal(
    state.transaction(() => 5),
    5,
  )
  await state.close()
})
