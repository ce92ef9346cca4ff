import t from 'tap'
import { MemoryStore } from '../../../src/master/state/memory-store.js'
import { Opens } from '../../../src/master/state/opens.js'
import type { SessionId } from '../../../src/wire/ids.js'

t.test('who has what open is known from both sides', async t => {
  const store = new MemoryStore()
  const opens = new Opens(store)
  store.transaction(() => {
    for (const [session, ino] of [
      [1, 10],
      [1, 11],
      [2, 10],
      [1, 300],
    ] as const)
      opens.add(session, ino)
  })
  t.same([opens.has(1, 10), opens.has(2, 11), opens.isOpen(10), opens.isOpen(12)], [true, false, true, false])
  t.same(
    [opens.isOpenElsewhere(10, 1), opens.isOpenElsewhere(11, 1), opens.isOpenElsewhere(11, 2)],
    [true, false, true],
  )
  t.notOk(opens.isOpenElsewhere(12, 1))
  t.same(opens.ofSession(1 as SessionId, 0, 10), [10, 11, 300])
  t.same(opens.ofSession(1 as SessionId, 10, 1), [11])
  store.transaction(() => opens.remove(1, 10))
  t.ok(opens.isOpen(10), 'the other session has it')
  store.transaction(() => opens.remove(2, 10))
  t.notOk(opens.isOpen(10))
  t.same(opens.ofSession(2 as SessionId, 0, 10), [])
})
