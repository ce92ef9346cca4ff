import t from 'tap'
import { MemoryStore } from '../../../src/master/state/memory-store.js'
import { Meta } from '../../../src/master/state/meta.js'

t.test('a new state is at record 0, and numbers begin at 1', async t => {
  t.match(new Meta(new MemoryStore()).current, { appliedIndex: 0, nextIno: 1, nextHandle: 1, nextSessionId: 1 })
})

t.test('what was written is there again; what was taken back is not', async t => {
  const store = new MemoryStore()
  const meta = new Meta(store)
  store.transaction(() => {
    meta.change({ appliedIndex: 5, nextIno: 9 })
    meta.write()
  })
  t.match(new Meta(store).current, { appliedIndex: 5, nextIno: 9 })
  meta.change({ nextIno: 10 })
  meta.rolledBack()
  t.equal(meta.current.nextIno, 9)
  t.throws(() => meta.change({ appliedIndex: 4 }), { code: 'ERR_ASSERTION' }, 'records are not applied backwards')
})
