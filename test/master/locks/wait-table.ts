import t from 'tap'
import { WaitTable } from '../../../src/master/locks/wait-table.js'
import { LockKind, LockType } from '../../../src/wire/gen/common.js'

function wait(session: number, ino: number, owner: string, kind: LockKind = LockKind.POSIX) {
  return { session, ino, lock: { kind, type: LockType.SHARED, start: 0, end: 0, owner: Buffer.from(owner), pid: 0 } }
}

t.test('waits are found by inode in their order, by session, and by owner', async t => {
  const table = new WaitTable()
  const [a, b, c] = [wait(1, 10, 'a'), wait(2, 10, 'a'), wait(1, 11, 'a', LockKind.FLOCK)]
  for (const each of [b, a, c]) table.add(each)
  t.same([table.ofInode(10), table.ofInode(11), table.ofInode(12)], [[b, a], [c], []])
  t.same([table.ofSession(1), table.ofSession(2)], [[a, c], [b]])
  t.same(table.ofOwner('1 61'), [a], 'only POSIX owners')
  t.same([table.size, table.countOfInode(10), table.countOfInode(12)], [3, 2, 0])
  table.remove(a)
  table.remove(a)
  t.same([table.ofInode(10), table.ofSession(1), table.ofOwner('1 61'), table.size], [[b], [c], [], 2])
})
