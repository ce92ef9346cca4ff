import t from 'tap'
import { LeasefsError } from '../../src/base/errors.js'
import { SimulatedClock } from '../../src/base/simulated-clock.js'
import { type Batch, Mutator, type WriteMutation } from '../../src/client/mutate.js'
import type { DataId, Ino } from '../../src/wire/ids.js'
import { failed, ScriptedData, ScriptedLocations, ScriptedPrimaries } from './harness/chunks.js'

const timeoutMs = 10_000
const id = (counter: number) => ({ client: 7, counter }) as DataId
const write = (counter: number, offset = 0): WriteMutation => ({
  ...{ kind: 'write', id: id(counter), offset, bytes: Buffer.from('abc'), crc32: 1 },
})
const batchOf = (...mutations: Batch['mutations'][number][]): Batch => ({ ino: 10 as Ino, index: 0, mutations })

function make() {
  const clock = new SimulatedClock()
  const parts = { locations: new ScriptedLocations(), streams: new ScriptedPrimaries(), data: new ScriptedData() }
  return { clock, ...parts, mutator: new Mutator({ ...parts, clock, timeoutMs }) }
}

t.test('the data goes along the chain and the commit to the primary, neither waiting for the other', async t => {
  const { mutator, data, streams, clock } = make()
  streams.outcome = undefined
  data.pushOutcome = () => {
    t.equal(streams.commits.length, 0)
    return { ok: true }
  }
  const applying = mutator.apply(batchOf(write(1, 5), write(2, 9)))
  await clock.advance(0)
  t.same(
    data.pushes.map(({ counter, ports }) => [counter, ports.length]),
    [
      [1, 3],
      [2, 3],
    ],
  )
  t.match(streams.commits, [{ to: 's1', commit: { handle: 100, version: 1 } }], 'one commit for both')
  t.same(streams.writes, [
    { offset: 5, length: 3, counter: 1 },
    { offset: 9, length: 3, counter: 2 },
  ])
  streams.commits[0]?.answer({ ok: true })
  t.equal(await (await applying).pushed, true)
})

t.test('the commit does not wait for a push that hangs', async t => {
  const { mutator, data, streams, clock } = make()
  data.push = () => new Promise(() => {})
  const applied = mutator.apply(batchOf(write(1)))
  await clock.advance(0)
  t.equal(streams.commits.length, 1)
  await t.resolves(applied)
})

t.test('what each code leads to', async t => {
  const cases: [code: Parameters<typeof failed>[0], pushes: number, forgotten: number][] = [
    ['NOT_PRIMARY', 2, 1],
    ['STALE_VERSION', 2, 1],
    ['REPLICA_FAILED', 2, 1],
    ['UNAVAILABLE', 2, 1],
    ['TIMEOUT', 2, 1],
    ['DATA_UNKNOWN', 2, 0],
  ]
  for (const [code, pushes, forgotten] of cases) {
    const { mutator, data, streams, locations, clock } = make()
    let attempts = 0
    streams.outcome = () => (++attempts === 1 ? failed(code) : { ok: true })
    const applied = mutator.apply(batchOf(write(1)))
    await clock.advance(100)
    await applied
    t.equal(data.pushes.length, pushes, code)
    t.equal(locations.forgotten, forgotten, code)
    t.same(
      streams.writes.map(({ counter }) => counter),
      [1, 1],
      `${code}: the same data id`,
    )
  }
})

t.test('some errors are final', async t => {
  for (const code of ['NO_SPACE', 'INVALID_ARGUMENT', 'WRONG_CLUSTER'] as const) {
    const { mutator, streams } = make()
    streams.outcome = () => failed(code)
    await t.rejects(mutator.apply(batchOf(write(1))), { code })
    t.equal(streams.commits.length, 1)
  }
})

t.test('only the data that is missing is pushed again', async t => {
  const { mutator, data, streams, clock } = make()
  let attempts = 0
  streams.outcome = () => (++attempts === 1 ? failed('DATA_UNKNOWN', [{ client: 7, counter: 2 }]) : { ok: true })
  const applied = mutator.apply(batchOf(write(1), write(2), write(3)))
  await clock.advance(100)
  await applied
  t.same(
    data.pushes.map(({ counter }) => counter),
    [1, 2, 3, 2],
  )
})

t.test('after a relocation the new primary gets the commit, with the new version', async t => {
  const { mutator, streams, locations, clock } = make()
  locations.answers = [{}, { version: 2, primary: 3, servers: [2, 3] }]
  streams.outcome = ({ version }) => (version === 1 ? failed('STALE_VERSION') : { ok: true })
  const applied = mutator.apply(batchOf(write(1)))
  await clock.advance(100)
  await applied
  t.match(streams.commits, [{ to: 's1' }, { to: 's3', commit: { version: 2 } }])
})

t.test('past a broken link the data goes directly to those behind it', async t => {
  const { mutator, data, clock } = make()
  const error = new LeasefsError('UNAVAILABLE', 'broken')
  const broken = new Set<number>()
  data.pushOutcome = ({ chain }) => {
    // The link to the second server of the first chain is broken for the first, and works for us.
    if (chain.length === 3) return { ok: false, failedAt: 1, error }
    return broken.has(chain[0]?.port ?? 0) ? { ok: false, failedAt: 0, error } : { ok: true }
  }
  await mutator.apply(batchOf(write(1)))
  await clock.advance(0)
  const [whole = [], ...rest] = data.pushes.map(({ ports }) => ports)
  t.same(rest, [whole.slice(1, 2), whole.slice(2)], 'those behind do not wait for the one at its end')

  broken.add(whole[1] ?? 0)
  const applied = await mutator.apply(batchOf(write(2)))
  t.equal(await applied.pushed, false)
  const second = data.pushes.filter(({ counter }) => counter === 2).map(({ ports }) => ports.length)
  t.same(second, [3, 1, 1], 'whom we cannot reach either is left out')
})

t.test('a commit is made anew when the master names another primary meanwhile', async t => {
  const { mutator, streams, locations, clock } = make()
  streams.outcome = undefined
  const applying = mutator.apply(batchOf(write(1)))
  await clock.advance(0)
  for (const changed of locations.watching) changed()
  await clock.advance(0)
  t.equal(streams.commits.length, 1, 'the same one: it is waited for')
  locations.answers = [{ primary: 2 }]
  for (const changed of locations.watching) changed()
  await clock.advance(100)
  t.same(
    streams.commits.map(({ to }) => to),
    ['s1', 's2'],
  )
  t.same(
    streams.writes.map(({ counter }) => counter),
    [1, 1],
    'the same data id',
  )
  streams.commits[1]?.answer({ ok: true })
  await t.resolves(applying)
  t.equal(locations.watching.size, 0)
})

t.test('attempts end with the time that was given', async t => {
  const { mutator, streams, clock } = make()
  streams.outcome = () => failed('NOT_PRIMARY')
  const applying = mutator.apply(batchOf(write(1)))
  applying.catch(() => {})
  await clock.advance(timeoutMs)
  await t.rejects(applying, { code: 'TIMEOUT' })
  t.ok(streams.commits.length > 5)
  t.ok(streams.commits.length < 100, 'with pauses between them')
})

t.test('a master that has no primary for now is asked again; its other errors are final', async t => {
  const { mutator, locations, clock } = make()
  locations.answers = [new LeasefsError('UNAVAILABLE', 'wait'), { leased: false }, {}]
  const applied = mutator.apply(batchOf(write(1)))
  await clock.advance(200)
  await t.resolves(applied)
  locations.answers = [new LeasefsError('NOT_FOUND', 'no such inode')]
  await t.rejects(mutator.apply(batchOf(write(2))), { code: 'NOT_FOUND' })
})

t.test('truncate and sync need no data', async t => {
  const { mutator, data, streams } = make()
  await mutator.apply(batchOf({ kind: 'truncate', id: id(1), length: 5 }, { kind: 'sync', id: id(2) }))
  t.equal(data.pushes.length, 0)
  t.match(streams.commits[0]?.commit.mutations, [
    { kind: { $case: 'truncate', value: { length: 5 } } },
    { kind: { $case: 'sync' } },
  ])
})

t.test('a truncation for a place in the order is not tried elsewhere', async t => {
  const { mutator, streams } = make()
  streams.outcome = () => failed('CHANGED')
  const after = { leaseId: 4, serial: 2 }
  const applying = mutator.apply(batchOf({ kind: 'truncate', id: id(1), length: 5, after }))
  await t.rejects(applying, { code: 'CHANGED' })
  t.equal(streams.commits.length, 1)
  t.match(streams.commits[0]?.commit.mutations, [
    { kind: { $case: 'truncate', value: { length: 5, afterLeaseId: 4, afterSerial: 2 } } },
  ])
})
