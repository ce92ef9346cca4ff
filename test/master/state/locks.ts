import t from 'tap'
import { Locks } from '../../../src/master/state/locks.js'
import { MemoryStore } from '../../../src/master/state/memory-store.js'
import { LockKind, LockType } from '../../../src/wire/gen/common.js'

function held(session: number, start: number) {
  const range = { start, end: start + 1 }
  return { session, lock: { kind: LockKind.POSIX, type: LockType.SHARED, ...range, owner: Buffer.from('p'), pid: 5 } }
}

t.test('locks are found by inode, and counted by session', async t => {
  const store = new MemoryStore()
  const locks = new Locks(store)
  const [a, b, c] = [held(1, 0), held(1, 2), held(2, 0)]
  store.transaction(() => {
    locks.replace(10, [], [a, b, c])
    locks.replace(300, [], [a])
  })
  t.same(locks.ofInode(10), [a, b, c])
  t.same(locks.ofInode(11), [])
  t.same([locks.count(1), locks.count(2), locks.count(3)], [3, 1, 0])
  t.same(new Locks(store).count(1), 3, 'counted from the table')
  t.same([locks.ofSession(1, 0, 10), locks.ofSession(1, 10, 10), locks.ofSession(2, 0, 10)], [[10, 300], [300], [10]])

  store.transaction(() => locks.replace(10, [a, b, c], [b]))
  t.same([locks.ofInode(10), locks.count(1), locks.count(2), locks.ofSession(2, 0, 10)], [[b], 2, 0, []])
  store.transaction(() => locks.replace(10, [b], []))
  t.same(
    [locks.ofInode(10), locks.count(1), [...store.table('locks').range({ from: Buffer.alloc(0) })].length],
    [[], 1, 1],
  )
})

t.test('what was taken back is counted anew', async t => {
  const store = new MemoryStore()
  const locks = new Locks(store)
  const take = () =>
    store.transaction(() => {
      locks.replace(10, [], [held(1, 0)])
      throw new Error('taken back')
    })
  t.throws(take, { message: 'taken back' })
  locks.rolledBack()
  t.equal(locks.count(1), 0)
})
