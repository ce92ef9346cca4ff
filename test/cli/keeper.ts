import assert from 'node:assert/strict'
import t from 'tap'
import { deferred } from '../../src/base/deferred.js'
import { silentLog } from '../../src/base/log.js'
import { SimulatedClock } from '../../src/base/simulated-clock.js'
import type { Exit } from '../../src/cli/exit.js'
import { Keeper } from '../../src/cli/keeper.js'
import {
  secondSignalMs,
  shutdownMs,
  workerDeathsMax,
  workerEndMs,
  workerPauseMsMax,
  workerPauseMsMin,
  workerSteadyMs,
} from '../../src/cli/limits.js'

const killed: Exit = { code: null, signal: 'SIGKILL' }

async function kept(hasServed = true) {
  const clock = new SimulatedClock()
  const workers: { signals: string[]; ready: () => void; end: (exit: Exit) => void }[] = []
  const start = (goesOn: boolean) => {
    assert.equal(goesOn, hasServed && workers.length > 0)
    const ready = deferred<void>()
    const ended = deferred<Exit>()
    const signals: string[] = []
    workers.push({ signals, ready: () => ready.resolve(), end: exit => ended.resolve(exit) })
    const signal = (name: string) => void signals.push(name)
    return { pid: workers.length, ready: ready.promise, ended: ended.promise, signal }
  }
  const keeper = new Keeper({ start, clock, log: silentLog })
  const code = keeper.run()
  if (hasServed) workers[0]?.ready()
  await clock.advance(0)
  return { clock, workers, keeper, code: { ended: code } }
}

t.test('a worker that ends by itself ends the keeper, with its exit code', async t => {
  for (const code of [0, 1]) {
    const { workers, code: ended } = await kept()
    workers[0]?.end({ code, signal: null })
    t.equal(await ended.ended, code)
    t.equal(workers.length, 1)
  }
})

t.test('a worker that is killed is replaced at once', async t => {
  const { clock, workers, code } = await kept()
  await clock.advance(workerSteadyMs)
  workers[0]?.end(killed)
  await clock.advance(0)
  t.equal(workers.length, 2)
  workers[1]?.end({ code: 0, signal: null })
  t.equal(await code.ended, 0)
})

t.test('a worker that is killed before it has served is not', async t => {
  const { workers, code } = await kept(false)
  workers[0]?.end(killed)
  t.equal(await code.ended, 1)
})

t.test('a worker that is stopped before it has served has ended well', async t => {
  const { workers, keeper, code } = await kept(false)
  keeper.stop('SIGTERM')
  workers[0]?.end({ code: null, signal: 'SIGTERM' })
  t.equal(await code.ended, 0)
})

t.test('workers that die soon, one after the other, are replaced more slowly, and not for ever', async t => {
  const { clock, workers, code } = await kept()
  for (let i = 0; i <= workerDeathsMax; i++) {
    t.equal(workers.length, i + 1)
    workers[i]?.end(killed)
    for (let ms = 0; ms <= workerPauseMsMax && workers.length === i + 1; ms += workerPauseMsMin) {
      await clock.advance(ms === 0 ? 0 : workerPauseMsMin)
    }
  }
  t.equal(await code.ended, 1)
  t.equal(workers.length, workerDeathsMax + 1)
})

t.test('a worker that has served a while begins the count anew', async t => {
  const { clock, workers } = await kept()
  for (let i = 0; i < 3 * workerDeathsMax; i++) {
    await clock.advance(workerSteadyMs)
    workers[i]?.end(killed)
    await clock.advance(0)
    t.equal(workers.length, i + 2)
    workers[i + 1]?.ready()
    await clock.advance(0)
  }
})

t.test('signals go to the worker, and to the next one if it dies of something else meanwhile', async t => {
  const { clock, workers, keeper, code } = await kept()
  keeper.stop('SIGTERM')
  keeper.stop('SIGINT')
  t.same(workers[0]?.signals, ['SIGTERM', 'SIGINT'])
  workers[0]?.end(killed)
  await clock.advance(0)
  t.same(workers[1]?.signals, [], 'not before it can take them')
  workers[1]?.ready()
  await clock.advance(0)
  t.same(workers[1]?.signals, ['SIGTERM'])
  workers[1]?.end({ code: 0, signal: null })
  t.equal(await code.ended, 0)
})

t.test('a worker that does not end when it should is told so', async t => {
  const { clock, workers, keeper } = await kept()
  let overdue = false
  void keeper.overdue.then(() => {
    overdue = true
  })
  keeper.stop('SIGTERM')
  await clock.advance(shutdownMs + workerEndMs - 1)
  t.notOk(overdue)
  await clock.advance(1)
  t.ok(overdue)
  keeper.kill()
  t.same(workers[0]?.signals, ['SIGTERM', 'SIGKILL'])
})

t.test('a second signal ends at once what does not serve yet', async t => {
  const { clock, workers, keeper, code } = await kept()
  await clock.advance(workerSteadyMs)
  workers[0]?.end(killed)
  await clock.advance(0)
  let overdue = false
  void keeper.overdue.then(() => {
    overdue = true
  })
  keeper.stop('SIGINT')
  keeper.stop('SIGINT')
  await clock.advance(secondSignalMs)
  t.notOk(overdue, 'a terminal may send it twice')
  keeper.stop('SIGINT')
  await clock.advance(0)
  t.ok(overdue)
  keeper.kill()
  workers[1]?.end(killed)
  t.equal(await code.ended, 1)
  t.equal(workers.length, 2)
})

t.test('a worker that hands over is followed at once, and is not counted as dead', async t => {
  const { clock, workers, keeper, code } = await kept()
  for (let i = 0; i < 2 * workerDeathsMax; i++) {
    keeper.handOver()
    keeper.handOver()
    t.same(workers[i]?.signals, ['SIGUSR2'])
    workers[i]?.end(killed)
    await clock.advance(0)
    keeper.handOver()
    t.same(workers[i + 1]?.signals, [], 'not before it serves')
    workers[i + 1]?.ready()
    await clock.advance(0)
  }
  workers.at(-1)?.end({ code: 0, signal: null })
  t.equal(await code.ended, 0)
})
