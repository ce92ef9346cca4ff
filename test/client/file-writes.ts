import t from 'tap'
import { LeasefsError } from '../../src/base/errors.js'
import { SimulatedClock } from '../../src/base/simulated-clock.js'
import { KiB, MiB } from '../../src/base/units.js'
import { attributesFromWire } from '../../src/client/attributes.js'
import type { Attributes, Timestamp } from '../../src/client/file-system.js'
import { FileWrites } from '../../src/client/file-writes.js'
import { batchesInFlightMax, writeBehindMs } from '../../src/client/limits.js'
import { Mutator } from '../../src/client/mutate.js'
import { WriteBehind } from '../../src/client/write-behind.js'
import { chunkSize } from '../../src/constants.js'
import type { DataId, Ino } from '../../src/wire/ids.js'
import { failed, ScriptedData, ScriptedLocations, ScriptedPrimaries } from './harness/chunks.js'
import { attributesOf, stateOf } from './harness/master.js'

const ino = 10 as Ino
const filled = (length: number, value = 1) => Buffer.alloc(length, value)

function make() {
  const clock = new SimulatedClock()
  const [locations, streams, data] = [new ScriptedLocations(), new ScriptedPrimaries(), new ScriptedData()]
  const behind = new WriteBehind(clock, 64 * MiB)
  const reports: { size: number; mtime: Timestamp | undefined }[] = []
  const script = { written: undefined as LeasefsError | undefined, synced: 0, changed: [] as string[] }
  let counter = 0
  const writes = new FileWrites({
    ...{ ino, behind, locations, clock },
    mutator: new Mutator({ locations, streams, data, clock, timeoutMs: 5000 }),
    metadata: {
      async written(_, size, mtime): Promise<Attributes> {
        reports.push({ size, mtime })
        if (script.written) throw script.written
        return attributesFromWire(attributesOf(ino, { size }))
      },
      async syncInode() {
        script.synced++
      },
    },
    nextDataId: () => ({ client: 7, counter: ++counter }) as DataId,
    changed: ({ start, end }) => script.changed.push(`${start}-${end}`),
  })
  const answer = async (outcome = { ok: true } as ReturnType<typeof failed>) => {
    for (const commit of streams.commits.splice(0)) commit.answer(outcome)
    await clock.advance(0)
  }
  return { clock, streams, data, locations, behind, writes, reports, script, answer }
}

t.test('small writes wait; a whole megabyte goes at once', async t => {
  const { writes, streams, clock } = make()
  writes.write(0, filled(100))
  await clock.advance(0)
  t.equal(streams.commits.length, 0)
  for (let at = 0; at < 8; at++) writes.write(at * 128 * KiB, filled(128 * KiB))
  await clock.advance(0)
  t.match(streams.writes, [{ offset: 0, length: MiB }])
})

t.test('flush pushes, waits for all replicas, and tells the master the size', async t => {
  const { writes, streams, reports, clock, answer } = make()
  streams.outcome = undefined
  writes.write(5, filled(10))
  const flushing = writes.flush()
  await clock.advance(0)
  t.equal(await stateOf(flushing), 'pending')
  t.same(reports, [])
  await answer()
  await flushing
  t.match(reports, [{ size: 15 }])
  t.ok(writes.isClean)
  await writes.flush()
  t.equal(reports.length, 1, 'once')
})

t.test('many small writes travel in one commit', async t => {
  const { writes, streams } = make()
  for (let at = 0; at < 50; at++) writes.write(at * 10 * KiB, filled(100))
  await writes.flush()
  t.equal(streams.commits.length, 1)
  t.equal(streams.writes.length, 50)
})

t.test('the timer pushes and reports what nobody flushes', async t => {
  const { writes, streams, reports, clock } = make()
  writes.write(0, filled(10))
  await clock.advance(writeBehindMs * 2)
  t.equal(streams.commits.length, 1)
  await clock.advance(writeBehindMs * 2)
  t.match(reports, [{ size: 10 }])
})

t.test('several batches are under way, never more than the limit', async t => {
  const { writes, streams, clock } = make()
  streams.outcome = undefined
  for (let at = 0; at < batchesInFlightMax + 4; at++) writes.write(at * MiB, filled(MiB))
  await clock.advance(0)
  t.equal(streams.commits.length, batchesInFlightMax)
  streams.commits[3]?.answer({ ok: true })
  await clock.advance(0)
  t.equal(streams.commits.length, batchesInFlightMax + 1)
})

t.test('a newer write of the same bytes waits for the older one, however often that is tried', async t => {
  const { writes, streams, data, clock, answer } = make()
  streams.outcome = undefined
  writes.write(100, filled(10, 1))
  const first = writes.flush()
  await clock.advance(0)
  writes.write(105, filled(10, 2))
  const second = writes.flush()
  await clock.advance(0)
  t.same(
    streams.writes.map(({ offset }) => offset),
    [100],
  )
  await answer(failed('REPLICA_FAILED'))
  await clock.advance(100)
  t.same(
    streams.writes.map(({ offset }) => offset),
    [100],
    'again the older one',
  )
  await answer()
  await first
  t.match(streams.writes, [{ offset: 105 }])
  await answer()
  await second
  t.same(
    data.pushes.map(({ bytes }) => bytes[0]),
    [1, 1, 2],
  )
})

t.test('what is dirty is seen over what was before, also while it is on its way', async t => {
  const { writes, streams, clock } = make()
  streams.outcome = undefined
  writes.write(0, filled(10, 1))
  void writes.flush()
  await clock.advance(0)
  writes.write(5, filled(10, 2))
  const seen = Buffer.alloc(20)
  writes.copyTo(seen, 0)
  t.same(seen, Buffer.concat([filled(5, 1), filled(10, 2), filled(5, 0)]))
  t.same(writes.missing({ start: 0, end: 20 }), [{ start: 15, end: 20 }])
})

t.test('when bytes have been applied, what was read of them before is out of date', async t => {
  const { writes, script } = make()
  writes.write(5, filled(10))
  await writes.flush()
  t.same(script.changed, ['5-15'])
})

t.test('an error is kept until someone hears of it, once', async t => {
  const { writes, streams, clock } = make()
  streams.outcome = () => failed('NO_SPACE')
  writes.write(0, filled(10))
  await clock.advance(writeBehindMs * 2)
  await t.rejects(writes.flush(), { code: 'NO_SPACE' })
  await t.resolves(writes.flush())
  writes.write(0, filled(10))
  await clock.advance(writeBehindMs * 2)
  t.throws(() => writes.throwError(), { code: 'NO_SPACE' })
  t.doesNotThrow(() => writes.throwError())
})

t.test('a report that fails is made again by the next flush', async t => {
  const { writes, reports, script } = make()
  script.written = new LeasefsError('TIMEOUT', 'no master')
  writes.write(0, filled(10))
  await t.rejects(writes.flush(), { code: 'TIMEOUT' })
  t.notOk(writes.isClean)
  script.written = undefined
  await writes.flush()
  t.match(reports, [{ size: 10 }, { size: 10 }])
  t.ok(writes.isClean)
})

t.test('the master is never told of a size with bytes missing below it', async t => {
  const { writes, streams, reports, clock } = make()
  streams.outcome = undefined
  writes.write(0, filled(MiB))
  writes.write(MiB, filled(MiB))
  await clock.advance(0)
  streams.commits[1]?.answer({ ok: true })
  await clock.advance(writeBehindMs * 2)
  t.ok(
    reports.every(({ size }) => size === 0),
    JSON.stringify(reports),
  )
  streams.commits[0]?.answer({ ok: true })
  await clock.advance(writeBehindMs * 2)
  t.equal(reports.at(-1)?.size, 2 * MiB)
})

t.test('attributes are shown with what is not pushed yet', async t => {
  const { writes } = make()
  const old = attributesFromWire(attributesOf(ino, { size: 100 }))
  t.equal(writes.view(old), old)
  writes.write(50, filled(10))
  t.equal(writes.view(old).size, 100)
  t.ok(writes.view(old).mtime.seconds > old.mtime.seconds)
  t.same(writes.view(old).ctime, writes.view(old).mtime)
  writes.write(200, filled(10))
  t.equal(writes.view(old).size, 210)
  await writes.flush()
  t.equal(writes.view(old), old, 'then the master knows it all')
})

t.test('a time set by hand is what the report says', async t => {
  const { writes, reports } = make()
  writes.setMtime({ seconds: 5, nanos: 6 })
  writes.write(0, filled(10))
  writes.setMtime({ seconds: 7, nanos: 8 })
  await writes.flush()
  t.same(reports[0]?.mtime, { seconds: 7, nanos: 8 })
})

t.test('sync syncs each chunk that was written since the last one, then the master', async t => {
  const { writes, streams, script } = make()
  writes.write(0, filled(10))
  writes.write(2 * chunkSize, filled(10))
  await writes.sync()
  const syncs = () => streams.commits.filter(({ commit }) => commit.mutations[0]?.kind?.$case === 'sync')
  t.same(
    syncs().map(({ commit }) => commit.handle),
    [100, 102],
  )
  t.equal(script.synced, 1)
  await writes.sync()
  t.equal(syncs().length, 2)
})

t.test('a sync that fails is owed', async t => {
  const { writes, streams } = make()
  const isSync = (commit: (typeof streams.commits)[number]['commit']) => commit.mutations[0]?.kind?.$case === 'sync'
  streams.outcome = commit => (isSync(commit) ? failed('NO_SPACE') : { ok: true })
  writes.write(0, filled(10))
  await t.rejects(writes.sync(), { code: 'NO_SPACE' })
  streams.outcome = () => ({ ok: true })
  await writes.sync()
  t.equal(streams.commits.filter(({ commit }) => isSync(commit)).length, 2)
})

t.test('a cut drops what is beyond it, and waits for what is on its way', async t => {
  const { writes, streams, clock, answer } = make()
  writes.write(0, filled(100))
  writes.write(5000, filled(100))
  await writes.cut(50)
  t.same(
    streams.writes.map(({ offset, length }) => [offset, length]),
    [[0, 50]],
  )

  streams.outcome = undefined
  writes.write(0, filled(100))
  void writes.flush()
  await clock.advance(0)
  const cutting = writes.cut(10)
  await clock.advance(0)
  t.equal(await stateOf(cutting), 'pending')
  await answer()
  await cutting
  t.ok(writes.isClean)
})

t.test('memory is given back when the bytes have been applied', async t => {
  const { writes, behind } = make()
  for (let at = 0; at < 4; at++) writes.write(at * MiB + 5, filled(MiB))
  t.ok(behind.dirtyBytes >= 4 * MiB)
  await writes.flush()
  t.equal(behind.dirtyBytes, 0)
  t.equal(writes.dirtyBytes, 0)
})

t.test('with the session it may be lost what the master was not told of', async t => {
  const { writes, clock } = make()
  writes.sessionLost()
  t.doesNotThrow(() => writes.throwError())
  writes.write(0, filled(10))
  await writes.flush()
  writes.sessionLost()
  t.doesNotThrow(() => writes.throwError(), 'it was told')

  writes.write(10, filled(10))
  await clock.advance(0)
  writes.sessionLost()
  await t.rejects(writes.flush(), { code: 'IO' })
  await t.resolves(writes.flush(), 'who writes was told, and may go on')
})
