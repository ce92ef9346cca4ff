import { createHash } from 'node:crypto'
import t from 'tap'
import { SeededRandom } from '../../src/base/random.js'
import { MemoryJournal } from '../../src/master/journal/memory-journal.js'
import { replay } from '../../src/master/replay.js'
import { openLmdbStore } from '../../src/master/state/lmdb-store.js'
import { MemoryStore } from '../../src/master/state/memory-store.js'
import { State } from '../../src/master/state/state.js'
import type { StateStore } from '../../src/master/state/state-store.js'
import { inconsistencies } from './harness/consistency.js'
import { dumpStore, Namespace, root } from './harness/namespace.js'
import { RandomOperations } from './harness/random-operations.js'

function fingerprint(store: StateStore): string {
  return createHash('sha256')
    .update(JSON.stringify(dumpStore(store)))
    .digest('hex')
}

t.test('replay brings an empty state to the end of the journal, and says how far it was', async t => {
  const fs = await Namespace.open()
  await fs.make(root, 'a')
  const state = new State(new MemoryStore())
  t.equal(replay(state, fs.journal), fs.journal.lastIndex)
  t.equal(replay(state, fs.journal), 0)
})

t.test('a state beyond the end of its journal is CORRUPT', async t => {
  const fs = await Namespace.open()
  t.throws(() => replay(fs.state, new MemoryJournal()), { code: 'CORRUPT' })
})

t.test('a record that cannot be read stops the replay', async t => {
  const cases: [payload: Buffer, code: string][] = [
    [Buffer.from([0xff]), 'CORRUPT'],
    [Buffer.alloc(0), 'NEWER_FORMAT'],
  ]
  for (const [payload, code] of cases) {
    const fs = await Namespace.open()
    const { lastIndex } = fs.journal
    fs.journal.append([payload])
    const state = new State(new MemoryStore())
    t.throws(() => replay(state, fs.journal), { code })
    t.equal(state.meta.current.appliedIndex, 0, 'and what was in one transaction with it is taken back')
    t.equal(fs.journal.lastIndex, lastIndex + 1)
  }
})

for (const seed of [1, 2, 3, 4]) {
  t.test(`a master killed after any record goes on as if it had not been (seed ${seed})`, async t => {
    const random = new SeededRandom(seed)
    const fs = await Namespace.open({ trash: seed % 2 === 0 })
    const operations = new RandomOperations(fs, random)
    const at = new Map([[fs.journal.lastIndex, fingerprint(fs.store)]])
    let done = 0
    for (let step = 0; step < 600; step++) {
      if (await operations.step()) done++
      at.set(fs.journal.lastIndex, fingerprint(fs.store))
      if (step % 50 === 0) t.same(inconsistencies(fs.store), [], `the tables agree after step ${step}`)
    }
    t.ok(done > 150, `${done} of 600 were possible`)

    const indexes = [...at.keys()]
    for (let kill = 0; kill < 25; kill++) {
      const index = indexes[Math.floor(random.next() * indexes.length)] ?? 0
      const store = new MemoryStore()
      const killed = new State(store)
      replay(killed, MemoryJournal.from(fs.journal, index))
      t.equal(fingerprint(store), at.get(index), `killed after record ${index}`)
      // The records after it were in the journal, but not in the state.
      replay(new State(store), fs.journal)
      t.equal(fingerprint(store), fingerprint(fs.store), `and the rest, from record ${index + 1} on`)
    }

    const onDisk = openLmdbStore(t.testdir(), 'boot')
    replay(new State(onDisk), fs.journal)
    t.equal(fingerprint(onDisk), fingerprint(fs.store), 'the same on disk')
    await onDisk.close()
  })
}

t.test('a master killed and started again in the midst goes on with the same numbers', async t => {
  const [random, journal, store] = [new SeededRandom(9), new MemoryJournal(), new MemoryStore()]
  let fs = await Namespace.open({ journal, store })
  for (let life = 0; life < 10; life++) {
    const operations = new RandomOperations(fs, random)
    for (let step = 0; step < 30; step++) await operations.step()
    t.same(inconsistencies(store), [])
    fs = await Namespace.open({ journal, store })
  }
})
