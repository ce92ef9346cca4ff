import t from 'tap'
import { MemoryStore } from '../../../src/master/state/memory-store.js'
import { Answers, Sessions } from '../../../src/master/state/sessions.js'
import type { SessionId } from '../../../src/wire/ids.js'

t.test('sessions are found and listed until they are removed', async t => {
  const store = new MemoryStore()
  const sessions = new Sessions(store)
  store.transaction(() => {
    for (const id of [300, 2]) sessions.put({ id: id as SessionId, description: `number ${id}` })
  })
  t.same(sessions.list(), [
    { id: 2, description: 'number 2' },
    { id: 300, description: 'number 300' },
  ])
  t.same(sessions.find(2), { id: 2, description: 'number 2' })
  store.transaction(() => sessions.remove(2))
  t.equal(sessions.find(2), undefined)
})

t.test('answers are kept until they are acknowledged, in whatever order they come', async t => {
  const store = new MemoryStore()
  const answers = new Answers(store)
  const reply = (number: number) => ({
    number,
    failure: undefined,
    result: { $case: 'done' as const, value: {} },
    changed: [],
  })
  store.transaction(() => {
    for (const number of [3, 1, 7, 5]) answers.remember(1, reply(number))
    answers.remember(2, reply(3))
  })
  const kept = (from: Answers) => [1, 2, 3, 5, 7].filter(number => from.find(1, number))
  t.same(kept(answers), [1, 3, 5, 7])
  t.same(answers.find(1, 3), reply(3))
  t.equal(new Answers(store).count(1), 4, 'also for who opens the store anew')
  store.transaction(() => answers.forget(1, 4))
  t.same(
    [kept(answers), kept(new Answers(store))],
    [
      [5, 7],
      [5, 7],
    ],
  )
  t.equal(answers.count(2), 1, 'sessions are apart')
  store.transaction(() => answers.forgetAll(1))
  t.same([answers.count(1), new Answers(store).count(1), answers.count(2)], [0, 0, 1])
})

t.test('what was taken back is not remembered', async t => {
  const store = new MemoryStore()
  const answers = new Answers(store)
  t.throws(() =>
    store.transaction(() => {
      answers.remember(1, { number: 1, failure: undefined, result: undefined, changed: [] })
      throw new Error('no')
    }),
  )
  answers.rolledBack()
  t.equal(answers.count(1), 0)
})
