import t from 'tap'
import { inodeLocksMax, sessionLocksMax } from '../../../src/master/locks/limits.js'
import { type Lock, LockKind, LockType } from '../../../src/wire/gen/common.js'
import { setLock } from '../harness/client.js'
import { Namespace, onEachStore, root } from '../harness/namespace.js'

const { SHARED, EXCLUSIVE, UNLOCKED } = LockType
const flock = { kind: LockKind.FLOCK }

onEachStore(t, 'a lock is kept by session, and says who is in the way', async (t, fs) => {
  const other = await fs.startSession()
  const { ino, ctime } = await fs.make(root, 'a')
  const test = (wanted: Parameters<typeof setLock>[3], session: number) => {
    const { value } = setLock(ino, 'p', SHARED, wanted) as Extract<ReturnType<typeof setLock>, { $case: 'setLock' }>
    return fs.read({ $case: 'testLock', value: { ino, lock: value.lock } }, session)
  }
  await fs.tick()
  const { touched, unlocked } = await fs.change(setLock(ino, 'p', EXCLUSIVE, { start: 10, end: 20, pid: 77 }))
  t.same([touched, unlocked], [[], [ino]], 'no one’s cache is concerned')
  t.same(fs.stat(ino).ctime, ctime)
  await t.rejects(fs.change(setLock(ino, 'p', SHARED), other), { code: 'WOULD_BLOCK' })
  t.match(test({}, other), {
    result: { value: { lock: { start: 10, end: 20, pid: 77, type: EXCLUSIVE } } },
    cached: [],
  })
  t.match(test({}, fs.session), { result: { value: { lock: undefined } } })
  t.match(test({ start: 20 }, other), { result: { value: { lock: undefined } } })
  t.match(test(flock, other), { result: { value: { lock: undefined } } })
  await fs.change(setLock(ino, 'p', UNLOCKED, { start: 15, end: 16 }))
  await fs.change(setLock(ino, 'p', SHARED, { start: 15, end: 16 }), other)
  t.equal(fs.state.locks.ofInode(ino).length, 3)
})

onEachStore(t, 'a lock one has, or gives up and has not, journals nothing', async (t, fs) => {
  const { ino } = await fs.make(root, 'a')
  await fs.change(setLock(ino, 'p', EXCLUSIVE))
  const { lastIndex } = fs.journal
  await fs.change(setLock(ino, 'p', EXCLUSIVE, { start: 5, end: 6 }))
  await fs.change(setLock(ino, 'q', UNLOCKED))
  await fs.change(setLock(ino, 'p', UNLOCKED, flock))
  t.equal(fs.journal.lastIndex, lastIndex)
})

onEachStore(t, 'a flock is of the whole file', async (t, fs) => {
  const other = await fs.startSession()
  const { ino } = await fs.make(root, 'a')
  await fs.change(setLock(ino, 'p', SHARED, { ...flock, start: 5, end: 6 }))
  await fs.change(setLock(ino, 'p', SHARED, { ...flock, start: 7, end: 8 }), other)
  t.match(fs.state.locks.ofInode(ino), [{ lock: { start: 0, end: 0 } }, { lock: { start: 0, end: 0 } }])
  await t.rejects(fs.change(setLock(ino, 'p', EXCLUSIVE, flock)), { code: 'WOULD_BLOCK' })
})

onEachStore(t, 'locks end with the session, and with the inode', async (t, fs) => {
  const other = await fs.startSession()
  const [a, b] = [await fs.make(root, 'a'), await fs.make(root, 'b')]
  for (const { ino } of [a, b]) {
    await fs.change(setLock(ino, 'p', SHARED))
    await fs.change(setLock(ino, 'p', SHARED), other)
  }
  const { unlocked } = await fs.endSession(other)
  t.same(unlocked, [a.ino, b.ino])
  t.match(fs.state.locks.ofInode(a.ino), [{ session: fs.session }])
  await fs.unlink(root, 'a')
  t.same(fs.state.locks.ofInode(a.ino), [])
  t.equal(fs.state.locks.count(fs.session), 1)

  await fs.open(b.ino)
  await fs.unlink(root, 'b')
  t.equal(fs.state.locks.count(fs.session), 1, 'still open')
  t.same((await fs.close(b.ino)).unlocked, [b.ino])
  t.same([fs.state.locks.count(fs.session), fs.state.locks.ofSession(fs.session, 0, 10)], [0, []])
})

onEachStore(t, 'a directory and anything else may be locked', async (t, fs) => {
  await fs.change(setLock(root, 'p', EXCLUSIVE, flock))
  t.equal(fs.state.locks.count(fs.session), 1)
})

t.test('an inode has so many locks and no more', async t => {
  const fs = await Namespace.open()
  const { ino } = await fs.make(root, 'a')
  const lock = (n: number): Lock => ({
    ...{ kind: LockKind.POSIX, type: SHARED, pid: 0, owner: Buffer.from('p') },
    ...{ start: 2 * n, end: 2 * n + 1 },
  })
  const held = Array.from({ length: inodeLocksMax }, (_, n) => ({ session: fs.session, lock: lock(n) }))
  fs.state.transaction(() => fs.state.locks.replace(ino, [], held))
  const more = setLock(ino, 'p', SHARED, { start: 2 * inodeLocksMax, end: 2 * inodeLocksMax + 1 })
  await t.rejects(fs.change(more), { code: 'NO_LOCKS' })
  await t.rejects(fs.change(setLock(ino, 'p', EXCLUSIVE, { start: 1, end: 2 })), { code: 'NO_LOCKS' })
  await fs.change(setLock(ino, 'p', SHARED, { start: 1, end: 2 }))
  t.equal(fs.state.locks.count(fs.session), inodeLocksMax - 1, 'one that closes a gap makes them fewer')
  await fs.change(more)
})

t.test('a session has so many locks and no more', async t => {
  const fs = await Namespace.open()
  const other = await fs.startSession()
  const { ino } = await fs.make(root, 'a')
  const lock = { kind: LockKind.POSIX, type: SHARED, pid: 0, owner: Buffer.from('p'), end: 0 }
  const held = Array.from({ length: sessionLocksMax }, (_, start) => ({
    session: fs.session,
    lock: { ...lock, start },
  }))
  fs.state.transaction(() => fs.state.locks.replace(1000, [], held))
  await t.rejects(fs.change(setLock(ino, 'p', SHARED)), { code: 'NO_LOCKS' })
  await fs.change(setLock(ino, 'p', SHARED), other)
})

onEachStore(t, 'what makes no sense is refused', async (t, fs) => {
  const { ino } = await fs.make(root, 'a')
  const cases: [operation: ReturnType<typeof setLock>, code: string][] = [
    [setLock(999, 'p', SHARED), 'NOT_FOUND'],
    [setLock(ino, 'p', 3 as never), 'INVALID_ARGUMENT'],
    [setLock(ino, 'p', SHARED, { kind: 3 as never }), 'INVALID_ARGUMENT'],
    [setLock(ino, 'p', SHARED, { start: 5, end: 5 }), 'INVALID_ARGUMENT'],
    [setLock(ino, 'p', SHARED, { start: 5, end: 4 }), 'INVALID_ARGUMENT'],
    [setLock(ino, 'p'.repeat(17), SHARED), 'INVALID_ARGUMENT'],
    [{ $case: 'setLock', value: { ino, lock: undefined, wait: false } }, 'INVALID_ARGUMENT'],
  ]
  const before = fs.dump()
  for (const [operation, code] of cases) await t.rejects(fs.change(operation), { code })
  t.same(fs.dump(), before)
  const lock = { kind: LockKind.POSIX, type: UNLOCKED, start: 0, end: 0, owner: Buffer.from('p'), pid: 0 }
  t.throws(() => fs.read({ $case: 'testLock', value: { ino, lock } }), { code: 'INVALID_ARGUMENT' })
})
