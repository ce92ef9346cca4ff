import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { LeasefsError } from '../../src/base/errors.js'
import { silentLog } from '../../src/base/log.js'
import { SeededRandom } from '../../src/base/random.js'
import { SimulatedClock } from '../../src/base/simulated-clock.js'
import { MemoryJournal } from '../../src/master/journal/memory-journal.js'
import { MemoryStore } from '../../src/master/state/memory-store.js'
import { joinStorage, openStorage, type Storage } from '../../src/master/storage.js'
import { clusterId } from './harness/client.js'
import { Namespace, root } from './harness/namespace.js'

const clock = new SimulatedClock()

function open(directory: string): Promise<Storage> {
  return openStorage({ directory, clusterId, clock, random: new SeededRandom(1), log: silentLog })
}

t.test('a state that was lost is made again from the journal', async t => {
  const directory = t.testdir()
  const first = await open(directory)
  const fs = new Namespace({ journal: first.journal })
  await fs.submit(() => ({
    kind: 'change',
    effect: { $case: 'sessionStarted', value: { sessionId: 1, description: '' } },
  }))
  await first.close()
  await first.close()
  rmSync(join(directory, 'state'), { recursive: true })
  const second = await open(directory)
  t.equal(second.state.meta.current.appliedIndex, 1)
  t.same([first.recordsLost, second.recordsLost], [false, true], 'and records may have been lost with it')
  t.equal(second.state.sessions.list().length, 1)
  await second.close()
})

t.test('a state that is behind its journal is brought up to it', async t => {
  const directory = t.testdir({ a: {} })
  const first = await open(join(directory, 'a'))
  first.journal.append([])
  cpSync(join(directory, 'a', 'state'), join(directory, 'before'), { recursive: true })
  const fs = await Namespace.open({ journal: first.journal })
  await fs.make(root, 'a')
  await first.close()
  rmSync(join(directory, 'a', 'state'), { recursive: true })
  cpSync(join(directory, 'before'), join(directory, 'a', 'state'), { recursive: true })
  const second = await open(join(directory, 'a'))
  t.equal(second.state.meta.current.appliedIndex, fs.journal.lastIndex)
  t.equal(second.state.dentries.find(root, Buffer.from('a')), 2)
  await second.close()
})

t.test('a state that is ahead of its journal is refused', async t => {
  const fs = await Namespace.open()
  await t.rejects(
    joinStorage(fs.store, () => new MemoryJournal(), clock, silentLog),
    { code: 'CORRUPT' },
  )
})

t.test('what was opened is closed when the rest cannot be', async t => {
  let closed = 0
  class Counted extends MemoryStore {
    override async close(): Promise<void> {
      closed++
    }
  }
  const fail = () => {
    throw new LeasefsError('CORRUPT', 'no journal')
  }
  await t.rejects(joinStorage(new Counted(), fail, clock, silentLog), { code: 'CORRUPT' })
  t.equal(closed, 1)
})

/** A data directory with records, a snapshot after `before` of them and perhaps more, as a crash of the machine leaves it. */
async function crashed(t: Test, ...snapshotAfter: number[]): Promise<{ directory: string; lastIndex: number }> {
  const directory = t.testdir()
  const storage = await open(directory)
  const fs = await Namespace.open({ journal: storage.journal, state: storage.state })
  for (let n = 1; n <= 30; n++) {
    await fs.make(root, `file ${n}`)
    if (snapshotAfter.includes(n)) await storage.snapshots?.take()
  }
  const { lastIndex } = storage.journal
  await storage.close()
  rmSync(join(directory, 'state'), { recursive: true })
  return { directory, lastIndex }
}

const snapshotsOf = (directory: string) =>
  readdirSync(join(directory, 'snapshots'))
    .sort()
    .map(name => join(directory, 'snapshots', name))

const segmentsOf = (directory: string) =>
  readdirSync(join(directory, 'journal'))
    .sort()
    .map(name => join(directory, 'journal', name))

function flip(path: string, at: number): void {
  const bytes = readFileSync(path)
  bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at)
  writeFileSync(path, bytes)
}

/** Opens it, and closes it when all 30 files are there. */
async function expectWhole(t: Test, { directory, lastIndex }: { directory: string; lastIndex: number }): Promise<void> {
  const storage = await open(directory)
  try {
    t.equal(storage.recordsLost, true, 'what was not synced may be missing')
    t.equal(storage.state.meta.current.appliedIndex, lastIndex)
    storage.settleRecords()
    for (let n = 1; n <= 30; n++) t.ok(storage.state.dentries.find(root, Buffer.from(`file ${n}`)), `file ${n}`)
  } finally {
    await storage.close()
  }
}

t.test('a state that was lost is made again from the newest snapshot and what the journal has after it', async t => {
  const left = await crashed(t, 5, 10, 20)
  t.match(segmentsOf(left.directory)[0], /0000000000000013.journal$/, 'the records of the first snapshots are gone')
  t.equal(snapshotsOf(left.directory).length, 2)
  await expectWhole(t, left)
})

t.test('a damaged snapshot costs nothing: the one before it is taken, and it is set aside', async t => {
  const left = await crashed(t, 5, 10, 20)
  flip(snapshotsOf(left.directory)[1] ?? '', 5000)
  await expectWhole(t, left)
  t.match(snapshotsOf(left.directory)[1], /\.snapshot\.damaged$/)
})

t.test('without a good snapshot the whole journal does, or it is said what is missing', async t => {
  const whole = await crashed(t, 5)
  flip(snapshotsOf(whole.directory)[0] ?? '', 5000)
  await expectWhole(t, whole)

  const { directory } = await crashed(t, 5, 10)
  for (const path of snapshotsOf(directory)) flip(path, 5000)
  const message = /records 1 to 7 are missing; .*snapshot: bytes 0 to \d+ are damaged/
  await t.rejects(open(directory), { code: 'CORRUPT', message })
  t.equal(snapshotsOf(directory).length, 2, 'nothing is renamed')
  await t.rejects(open(directory), { code: 'CORRUPT', message }, 'nor is it another time')
})

t.test('a segment that is missing or damaged after the snapshot is refused, with its place', async t => {
  const missing = await crashed(t, 5, 10, 20)
  rmSync(snapshotsOf(missing.directory)[1] ?? '')
  rmSync(segmentsOf(missing.directory)[0] ?? '')
  await t.rejects(open(missing.directory), { code: 'CORRUPT', message: /journal: records 13 to 22 are missing/ })

  const damaged = await crashed(t, 5, 10, 20)
  rmSync(snapshotsOf(damaged.directory)[1] ?? '')
  const [first = ''] = segmentsOf(damaged.directory)
  flip(first, 48 + 24 + 3)
  await t.rejects(open(damaged.directory), {
    code: 'CORRUPT',
    message: `${first}: record 13 at byte 48 is damaged`,
  })

  const none = await crashed(t, 5, 10, 20)
  for (const path of segmentsOf(none.directory)) rmSync(path)
  await t.rejects(open(none.directory), { code: 'CORRUPT', message: /journal: records 1 to 22 are missing/ })
})

t.test('what a snapshot left half made is removed', async t => {
  const left = await crashed(t, 5)
  mkdirSync(join(left.directory, 'snapshots', 'snapshot.new'))
  await expectWhole(t, left)
  t.equal(snapshotsOf(left.directory).length, 1)
})
