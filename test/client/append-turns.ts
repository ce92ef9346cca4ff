import t, { type Test } from 'tap'
import { LeasefsError } from '../../src/base/errors.js'
import { silentLog } from '../../src/base/log.js'
import { AppendTurns } from '../../src/client/append-turns.js'
import { LockKind, LockType } from '../../src/wire/gen/common.js'
import type { Ino } from '../../src/wire/ids.js'
import { done, ScriptedMaster } from './harness/master.js'

const ino = 5 as Ino

async function start(t: Test) {
  const master = await new ScriptedMaster().start()
  master.answer = () => done
  const session = await master.session(t)
  const settled: Ino[] = []
  const settle = async (of: Ino) => void settled.push(of)
  const turns = new AppendTurns({ session, clock: master.clock, log: silentLog, timeoutMs: 60_000, settle })
  session.listen({
    invalidated: inos => turns.invalidated(inos),
    reset: lost => turns.reset(lost),
  })
  /** "taken" or "given up", since the last time. */
  const asked = () =>
    master.requests.splice(0).map(({ operation }) => {
      if (operation?.$case !== 'setLock') return operation?.$case
      t.equal(operation.value.lock?.kind, LockKind.APPEND)
      return operation.value.lock?.type === LockType.EXCLUSIVE ? 'taken' : 'given up'
    })
  const run = async <T>(call: Promise<T>): Promise<T> => {
    call.catch(() => {})
    await master.settle()
    return call
  }
  return { master, turns, settled, asked, run }
}

const nothing = async () => {}

t.test('a turn lasts for any number of appends, until another waits for it', async t => {
  const { master, turns, settled, asked, run } = await start(t)
  for (let n = 0; n < 3; n++) await run(turns.during(ino, nothing))
  t.same(asked(), ['taken'])
  master.invalidate(1, [6])
  await master.settle()
  t.same(asked(), [])

  master.invalidate(2, [ino])
  await master.settle()
  t.same(settled, [ino], 'first what was appended is told')
  t.same(asked(), ['given up'])
  await run(turns.during(ino, nothing))
  t.same(asked(), ['taken'])
})

t.test('an append under way ends in its turn, and later ones wait for the next', async t => {
  const { master, turns, asked, run } = await start(t)
  const order: string[] = []
  let end = () => {}
  const first = turns.during(ino, async () => {
    await new Promise<void>(resolve => {
      end = resolve
    })
    order.push('first')
  })
  await master.settle()
  master.invalidate(1, [ino])
  await master.settle()
  const second = turns.during(ino, async () => void order.push('second'))
  await master.settle()
  t.same(asked(), ['taken'], 'not given up yet')
  t.same(order, [])
  end()
  await run(Promise.all([first, second]))
  t.same(order, ['first', 'second'])
  t.same(asked(), ['given up', 'taken'])
})

t.test('who waits for the turn appends in it, though another waits already when it begins', async t => {
  const { master, turns, asked, run } = await start(t)
  master.answer = () => 'later'
  let appends = 0
  const calls = [1, 2].map(() => turns.during(ino, async () => void appends++))
  await master.settle()
  t.same(asked(), ['taken'])
  master.answer = () => done
  master.reply(1, done)
  master.invalidate(1, [ino])
  await run(Promise.all(calls))
  t.equal(appends, 2)
  await master.settle()
  t.same(asked(), ['given up'])
})

t.test('a turn that is refused is the error of those who waited, and asked for again by the next', async t => {
  const { master, turns, asked, run } = await start(t)
  master.answer = () => new LeasefsError('NO_LOCKS', 'too many')
  const calls = [1, 2].map(() => turns.during(ino, nothing))
  for (const call of calls) call.catch(() => {})
  for (const call of calls) await t.rejects(run(call), { code: 'NO_LOCKS' })
  master.answer = () => done
  await run(turns.during(ino, nothing))
  t.same(asked(), ['taken', 'taken'])
})

t.test('a turn is not waited for without end; the master may grant it at the last moment', async t => {
  for (const answer of [new LeasefsError('CANCELLED', 'called off'), done]) {
    const { master, turns, asked, run } = await start(t)
    master.answer = operation => (operation.$case === 'cancelWait' ? done : 'later')
    const call = turns.during(ino, nothing)
    call.catch(() => {})
    await master.settle(60_000)
    t.same(asked(), ['taken', 'cancelWait'])
    master.reply(1, answer)
    if (answer === done) await run(call)
    else await t.rejects(run(call), { code: 'TIMEOUT' })
  }
})

t.test('an append that fails leaves the turn to the others', async t => {
  const { turns, asked, run } = await start(t)
  const failure = new LeasefsError('FILE_TOO_LARGE', 'no')
  await t.rejects(run(turns.during(ino, () => Promise.reject(failure))), failure)
  await run(turns.during(ino, nothing))
  t.same(asked(), ['taken'])
})

t.test('with the close of the inode, and the end of the session, the turn is over', async t => {
  for (const end of ['closed', 'lost'] as const) {
    const { turns, asked, run } = await start(t)
    await run(turns.during(ino, nothing))
    if (end === 'closed') turns.closed([ino])
    else turns.reset(true)
    await run(turns.during(ino, nothing))
    t.same(asked(), ['taken', 'taken'], end)
  }
})

t.test('after the stream was away another may have waited: the turn is given up', async t => {
  const { master, turns, asked, run } = await start(t)
  await run(turns.during(ino, nothing))
  turns.reset(false)
  await master.settle()
  t.same(asked(), ['taken', 'given up'])
})
