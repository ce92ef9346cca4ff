import { setMaxListeners } from 'node:events'
import t, { type Test } from 'tap'
import { LeasefsError } from '../../src/base/errors.js'
import { silentLog } from '../../src/base/log.js'
import type { Lock } from '../../src/client/file-system.js'
import { lockWaitsMax } from '../../src/client/limits.js'
import { lockToWire } from '../../src/client/lock-messages.js'
import { Locks } from '../../src/client/locks.js'
import { LockType } from '../../src/wire/gen/common.js'
import type { Ino } from '../../src/wire/ids.js'
import { done, type Scripted, ScriptedMaster, stateOf } from './harness/master.js'

const ino = 5 as Ino
const lock: Lock = { kind: 'posix', type: 'exclusive', start: 0, end: 10, owner: 7n, pid: 1 }
const all = { kind: 'posix', start: 0, end: Infinity, owner: 7n } as const
const cancelled = new LeasefsError('CANCELLED', 'no longer wanted')

/** Locks of a client; `answers` are what the master says to SetLock, one after the other. */
async function start(t: Test, ...answers: Scripted[]) {
  const master = await new ScriptedMaster().start()
  master.answer = operation => (operation.$case === 'setLock' ? (answers.shift() ?? done) : done)
  const session = await master.session(t, { timeoutMs: 1000 })
  const settled: Ino[] = []
  const settle = async (of: Ino) => void settled.push(of)
  const locks = new Locks({ session, log: silentLog, settle })
  session.listen({ invalidated() {}, reset: lost => void (lost && locks.lost()) })
  const run = async <T>(call: Promise<T>): Promise<T> => {
    call.catch(() => {})
    for (let turn = 0; turn < 4; turn++) await master.settle()
    return call
  }
  /** The SetLocks that the master got. */
  const asked = () =>
    master.requests.flatMap(({ operation }) =>
      operation?.$case === 'setLock' ? [[operation.value.lock?.type, operation.value.wait]] : [],
    )
  return { master, locks, run, settled, asked }
}

const { EXCLUSIVE, UNLOCKED } = LockType

t.test('a lock is held until it is given up, and who holds none asks no one', async t => {
  const { locks, run, settled, master, asked } = await start(t)
  await run(locks.unlock(ino, all))
  t.same(master.asked, [])
  await run(locks.set(ino, lock, { wait: false }))
  t.ok(locks.holds(ino, 'posix', 7n))
  t.notOk(locks.holds(ino, 'flock', 7n))
  t.notOk(locks.holds(ino, 'posix', 8n))
  await run(locks.unlock(ino, { ...all, end: 5 }))
  t.ok(locks.holds(ino, 'posix', 7n), 'of the rest')
  await run(locks.unlock(ino, all))
  t.notOk(locks.holds(ino, 'posix', 7n))
  t.same(settled, [ino, ino], 'what was written has been applied before')
  t.same(asked(), [
    [EXCLUSIVE, false],
    [UNLOCKED, false],
    [UNLOCKED, false],
  ])
})

t.test('what the master refuses is not held', async t => {
  for (const code of ['WOULD_BLOCK', 'DEADLOCK', 'NO_LOCKS'] as const) {
    const { locks, run } = await start(t, new LeasefsError(code, 'no'))
    await t.rejects(run(locks.set(ino, lock, { wait: code !== 'WOULD_BLOCK' })), { code })
    t.notOk(locks.holds(ino, 'posix', 7n))
  }
})

t.test('who is refused what another on this mount is giving up asks once more', async t => {
  const { locks, master, run, asked } = await start(t, done, 'later', 'later', done)
  await run(locks.set(ino, { ...lock, owner: 8n }, { wait: false }))
  const trying = locks.set(ino, lock, { wait: false })
  await master.settle()
  const unlocking = locks.unlock(ino, { ...all, owner: 8n })
  await master.settle()
  master.reply(2, new LeasefsError('WOULD_BLOCK', 'no'))
  await master.settle()
  t.equal(asked().length, 4)
  master.reply(3, done)
  await run(Promise.all([trying, unlocking]))
  t.ok(locks.holds(ino, 'posix', 7n))
  t.same(
    asked().map(([type]) => type),
    [EXCLUSIVE, EXCLUSIVE, UNLOCKED, EXCLUSIVE],
  )

  const other = await start(t, done, 'later')
  await other.run(other.locks.set(9 as Ino, { ...lock, owner: 8n }, { wait: false }))
  const refused = other.locks.set(ino, lock, { wait: false })
  await other.master.settle()
  void other.locks.unlock(9 as Ino, { ...all, owner: 8n })
  other.master.reply(2, new LeasefsError('WOULD_BLOCK', 'no'))
  await t.rejects(other.run(refused), { code: 'WOULD_BLOCK' }, 'not for what is given up of another file')
})

t.test('a wait is as long as it takes, over a stream that breaks', async t => {
  const { locks, master, run } = await start(t, 'later', 'later')
  const waiting = locks.set(ino, lock, { wait: true })
  await master.settle(10_000)
  master.cut()
  await master.settle(5000)
  t.equal(await stateOf(waiting), 'pending')
  t.same(
    master.requests.map(({ number }) => number),
    [1, 1],
  )
  master.reply(1, done)
  await run(waiting)
  t.ok(locks.holds(ino, 'posix', 7n))
})

t.test('a wait that is interrupted ends with the word of the master', async t => {
  const { locks, master, run } = await start(t, 'later', 'later')
  const [refused, granted] = [new AbortController(), new AbortController()]
  const first = locks.set(ino, lock, { wait: true, signal: refused.signal })
  const second = locks.set(ino, { ...lock, owner: 8n }, { wait: true, signal: granted.signal })
  await master.settle()
  refused.abort()
  granted.abort()
  await master.settle()
  t.match(
    master.requests.slice(2).map(({ operation }) => operation),
    [1, 2].map(number => ({ $case: 'cancelWait', value: { number } })),
  )
  master.reply(1, cancelled)
  master.reply(2, done)
  await t.rejects(run(first), { code: 'CANCELLED' })
  await run(second)
  t.notOk(locks.holds(ino, 'posix', 7n))
  t.ok(locks.holds(ino, 'posix', 8n), 'the signal came too late')
  await t.rejects(run(locks.set(ino, lock, { wait: true, signal: AbortSignal.abort() })), { code: 'CANCELLED' })
})

t.test('a lock that is granted to someone who has gone is given back', async t => {
  const { locks, master, asked } = await start(t, 'later')
  const end = new AbortController()
  const waiting = locks.set(ino, lock, { wait: true, signal: end.signal })
  waiting.catch(() => {})
  await master.settle()
  end.abort()
  await master.settle(1000)
  await t.rejects(waiting, { code: 'CANCELLED' }, 'the master says nothing to it for too long')
  master.reply(1, done)
  for (let turn = 0; turn < 4; turn++) await master.settle()
  t.same(asked().at(-1), [UNLOCKED, false])
  t.notOk(locks.holds(ino, 'posix', 7n))
})

t.test('but not if the same holder has another', async t => {
  const { locks, master, run, asked } = await start(t, 'later')
  const end = new AbortController()
  const waiting = locks.set(ino, lock, { wait: true, signal: end.signal })
  waiting.catch(() => {})
  await master.settle()
  end.abort()
  await master.settle(1000)
  await run(locks.set(ino, { ...lock, start: 100, end: 200 }, { wait: false }))
  master.reply(1, done)
  await master.settle()
  t.equal(asked().length, 2)
  t.ok(locks.holds(ino, 'posix', 7n))
})

t.test('with the session its locks are lost, and giving them up is no error', async t => {
  const { locks, master, run, asked } = await start(t)
  await run(locks.set(ino, lock, { wait: false }))
  master.resumed = false
  master.cut()
  await master.settle(1000)
  t.notOk(locks.holds(ino, 'posix', 7n))
  await run(locks.unlock(ino, all))
  t.equal(asked().length, 1)
})

t.test('who is in the way', async t => {
  const { locks, master, run } = await start(t)
  const other: Lock = { ...lock, owner: 9n, pid: 33, end: Infinity }
  master.answer = () => ({ $case: 'lock', value: { lock: lockToWire(other) } })
  t.same(await run(locks.find(ino, lock)), other)
  master.answer = () => ({ $case: 'lock', value: { lock: undefined } })
  t.equal(await run(locks.find(ino, lock)), undefined)
  master.answer = () => done
  await t.rejects(run(locks.find(ino, lock)), { code: 'INTERNAL' })
  await t.rejects(run(locks.set(ino, { ...lock, start: 0.5 }, { wait: false })), { code: 'INVALID_ARGUMENT' })
})

t.test('who comes under the name of one that is giving up its lock has to ask after that', async t => {
  const { master, locks, run, asked } = await start(t)
  await run(locks.set(ino, lock, { wait: false }))
  const closed = locks.unlock(ino, all)
  const next = locks.set(ino, lock, { wait: true })
  await run(Promise.all([closed, next]))
  t.same(asked(), [
    [EXCLUSIVE, false],
    [UNLOCKED, false],
    [EXCLUSIVE, true],
  ])
  t.ok(locks.holds(ino, 'posix', 7n))
  t.notOk(master.asked.includes('cancelWait'))
})

t.test('no more locks are waited for than the limit', async t => {
  const { locks, master, run } = await start(t)
  master.answer = () => 'later'
  const end = new AbortController()
  setMaxListeners(0, end.signal)
  const waits = Array.from({ length: lockWaitsMax }, () => locks.set(ino, lock, { wait: true, signal: end.signal }))
  for (const wait of waits) wait.catch(() => {})
  await t.rejects(run(locks.set(ino, lock, { wait: true })), { code: 'NO_LOCKS' })
  end.abort()
  await master.settle(1000)
  await Promise.allSettled(waits)
})
