import t from 'tap'
import { deferred } from '../../src/base/deferred.js'
import { LeasefsError } from '../../src/base/errors.js'
import { SimulatedClock } from '../../src/base/simulated-clock.js'
import { attributesFromWire, compareTimes } from '../../src/client/attributes.js'
import { ChunkUsages } from '../../src/client/chunk-usages.js'
import type { Attributes, Timestamp } from '../../src/client/file-system.js'
import { SizeReports } from '../../src/client/size-reports.js'
import type { ChunkUsage } from '../../src/wire/gen/common.js'
import type { Ino } from '../../src/wire/ids.js'
import { attributesOf, stateOf } from './harness/master.js'

const ino = 10 as Ino

function make() {
  const clock = new SimulatedClock()
  const sizes: number[] = []
  const times: (Timestamp | undefined)[] = []
  const told: ChunkUsage[][] = []
  const usages = new ChunkUsages()
  const script = { pending: [] as number[], answer: undefined as Promise<void> | undefined }
  const reports = new SizeReports({
    ...{ ino, clock },
    usages,
    metadata: {
      async written(_, size, mtime, usage): Promise<Attributes> {
        sizes.push(size)
        times.push(mtime)
        told.push([...(usage ?? [])])
        await script.answer
        return attributesFromWire(attributesOf(ino, { size }))
      },
    },
    pendingFrom: offset => script.pending.filter(at => at >= offset).sort((a, b) => a - b)[0],
    allApplied: () => script.pending.length === 0,
    reported: () => {},
    changed: () => {},
  })
  return { clock, reports, sizes, times, told, usages, script }
}

t.test('nothing is reported that the master knows', async t => {
  const { reports, sizes } = make()
  await reports.report()
  reports.wrote(10)
  await reports.report()
  t.same(sizes, [], 'written is not applied')
  reports.applied(10)
  await reports.report()
  await reports.report()
  t.same(sizes, [10])
})

t.test('a size with a gap below it is not reported', async t => {
  const { reports, sizes, script } = make()
  script.pending = [5]
  reports.wrote(20)
  reports.applied(20)
  await reports.report()
  t.same(sizes, [5])
  t.ok(reports.since !== undefined, 'the rest is owed')
  script.pending = []
  await reports.report()
  t.same(sizes, [5, 20])
  t.ok(reports.isDone)
})

t.test('bytes that are written again are no gap', async t => {
  const { reports, sizes, script } = make()
  reports.wrote(20)
  reports.applied(20)
  reports.settledTo(20)
  script.pending = [5]
  await reports.report()
  t.same(sizes, [20])
})

t.test('who asks while a report is under way waits for it', async t => {
  const { reports, script } = make()
  const { promise, resolve } = deferred<void>()
  script.answer = promise
  reports.wrote(10)
  reports.applied(10)
  void reports.report()
  const second = reports.report()
  t.equal(await stateOf(second), 'pending')
  t.notOk(reports.isDone)
  reports.forget()
  t.equal(reports.end, 10, 'and the size is still shown')
  resolve()
  await second
  t.ok(reports.isDone)
  t.equal(reports.end, 0)
})

t.test('what could not be reported is owed, unless the inode is gone', async t => {
  for (const [code, owed] of [
    ['TIMEOUT', true],
    ['NOT_FOUND', false],
  ] as const) {
    const { reports, script } = make()
    script.answer = Promise.reject(new LeasefsError(code, ''))
    reports.wrote(10)
    reports.applied(10)
    await t.rejects(reports.report(), { code })
    t.equal(reports.since !== undefined, owed, code)
  }
})

t.test('after a cut only what was written later counts', async t => {
  const { reports, sizes } = make()
  reports.wrote(100)
  reports.applied(100)
  await reports.report()
  reports.cut(40)
  reports.wrote(50)
  reports.applied(50)
  await reports.report()
  t.same(sizes, [100, 50])
})

t.test('what is stored is told with the size, and again if that failed', async t => {
  const { reports, told, usages, script } = make()
  usages.note(2, { index: 0, handle: 9, leaseId: 1, serial: 4, allocatedBytes: 4096 })
  script.answer = Promise.reject(new LeasefsError('UNAVAILABLE', 'not now'))
  reports.wrote(10)
  reports.applied(10)
  await t.rejects(reports.report(), { code: 'UNAVAILABLE' })
  script.answer = undefined
  await reports.report()
  t.match(told, [[{ index: 2, allocatedBytes: 4096 }], [{ index: 2, allocatedBytes: 4096 }]])
})

t.test('it is known whether the master has been told how long the file is', async t => {
  const { reports, script } = make()
  t.notOk(reports.growsUntold)
  reports.wrote(10)
  t.ok(reports.growsUntold)
  reports.applied(10)
  await reports.report()
  t.notOk(reports.growsUntold)
  script.pending = [5]
  reports.wrote(8)
  t.notOk(reports.growsUntold, 'the file is longer than that')
  reports.wrote(11)
  t.ok(reports.growsUntold)
})

t.test('that others have changed the file meanwhile moves its time on, unless a program has set it', async t => {
  const { clock, reports } = make()
  const attributes = attributesFromWire(attributesOf(ino))
  const shown = () => reports.view(attributes).mtime
  reports.othersChanged()
  t.same(shown(), attributes.mtime, 'the master knows best when nothing of ours is under way')

  reports.wrote(10)
  const written = shown()
  await clock.advance(5)
  reports.othersChanged()
  t.not(compareTimes(shown(), written), 0)

  reports.setMtime({ seconds: 7, nanos: 0 })
  reports.othersChanged()
  t.same(shown(), { seconds: 7, nanos: 0 })
})

t.test('no two reports of writes have the same time, though the last write was before both', async t => {
  const { clock, reports, times, script } = make()
  script.pending = [20]
  reports.wrote(10)
  reports.wrote(30)
  const last = reports.view(attributesFromWire(attributesOf(ino))).mtime
  reports.applied(10)
  await reports.report()
  await clock.advance(5)
  script.pending = []
  reports.applied(30)
  await reports.report()
  const [first, second] = times
  t.same(first, last)
  t.not(compareTimes(second ?? last, last), 0)
})
