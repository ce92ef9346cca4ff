import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { silentLog } from '../../../src/base/log.js'
import { SimulatedClock } from '../../../src/base/simulated-clock.js'
import { openFileJournal } from '../../../src/master/journal/file-journal.js'
import { retryMs } from '../../../src/master/snapshots/limits.js'
import { readSnapshot } from '../../../src/master/snapshots/snapshot-file.js'
import { Snapshots, type SnapshotsOptions } from '../../../src/master/snapshots/snapshots.js'
import { openLmdbStore } from '../../../src/master/state/lmdb-store.js'
import { clusterId } from '../harness/client.js'
import { Namespace, root } from '../harness/namespace.js'

/** A namespace on a disk, and the snapshots of it. */
async function prepare(t: Test, options: Partial<SnapshotsOptions> = {}) {
  const directory = t.testdir({ snapshots: {} })
  const clock = new SimulatedClock()
  const journal = openFileJournal({ directory: join(directory, 'journal'), clusterId, log: silentLog })
  const store = openLmdbStore(join(directory, 'state'), 'boot')
  const fs = await Namespace.open({ journal, store })
  const snapshots = new Snapshots({
    ...{ directory: join(directory, 'snapshots'), clusterId, store, journal, clock, log: silentLog, snapshots: [] },
    ...{ freeBytes: async () => 2 ** 40, journalBytes: 2000 },
    ...options,
  })
  const close = async () => {
    await snapshots.idle()
    await store.close()
    await journal.close()
  }
  const names = () => readdirSync(join(directory, 'snapshots'))
  let made = 0
  const grow = async (bytes: number) => {
    for (const end = journal.bytesAfter(0) + bytes; journal.bytesAfter(0) < end; ) await fs.make(root, `file ${made++}`)
  }
  return { clock, journal, fs, snapshots, names, grow, close }
}

type Prepared = Awaited<ReturnType<typeof prepare>>

function test(name: string, run: (t: Test, prepared: Prepared) => Promise<void>, options?: Partial<SnapshotsOptions>) {
  t.test(name, async t => {
    const prepared = await prepare(t, options)
    try {
      await run(t, prepared)
    } finally {
      await prepared.close()
    }
  })
}

test('a snapshot stands where the state stood, and two are kept with the journal after the older', async (t, {
  fs,
  journal,
  snapshots,
  names,
}) => {
  const indexes: number[] = []
  for (const name of ['a', 'b', 'c', 'd']) {
    await fs.make(root, name)
    const { path, index } = await snapshots.take()
    t.equal(index, journal.lastIndex)
    t.match(await readSnapshot(path), { index, clusterId })
    indexes.push(index)
    t.equal(names().length, Math.min(indexes.length, 2), 'nothing else is left')
    t.equal(journal.firstIndex, indexes.length < 2 ? 1 : (indexes.at(-2) ?? 0) + 1)
  }
  t.equal(snapshots.newest?.index, indexes.at(-1))
})

test('one is taken when the journal has grown, and not before', async (t, { snapshots, names, grow }) => {
  await snapshots.look()
  t.same(names(), [])
  await grow(3000)
  await snapshots.look()
  t.equal(names().length, 1)
  await snapshots.look()
  t.equal(names().length, 1, 'not again for the same')
  await grow(3000)
  await snapshots.look()
  t.equal(names().length, 2)
})

let free = 100
const disk = { freeBytes: async () => free }

test(
  'without room none is begun, and it is tried again after a while',
  async (t, { clock, snapshots, names, grow }) => {
    await grow(3000)
    await snapshots.look()
    t.same(names(), [])
    free = 2 ** 40
    await snapshots.look()
    t.same(names(), [], 'not at once')
    await clock.advance(retryMs)
    await snapshots.look()
    t.equal(names().length, 1)
    free = 0
    await t.rejects(snapshots.take(), { code: 'NO_SPACE' })
  },
  disk,
)

test('who asks while one is being taken gets one of later', async (t, { fs, journal, snapshots }) => {
  const first = snapshots.take()
  await fs.make(root, 'later')
  const { lastIndex } = journal
  const second = snapshots.take()
  t.ok((await first).index <= (await second).index)
  t.ok((await second).index >= lastIndex)
})
