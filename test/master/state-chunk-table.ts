import t from 'tap'
import { deferred } from '../../src/base/deferred.js'
import { MemoryJournal } from '../../src/master/journal/memory-journal.js'
import { checkStart } from '../../src/master/ops/start.js'
import { StateChunkTable } from '../../src/master/state-chunk-table.js'
import type { ChunkHandle, Ino } from '../../src/wire/ids.js'
import { Namespace, root } from './harness/namespace.js'

async function openTable(journal = new MemoryJournal()) {
  const fs = await Namespace.open({ journal })
  const ino = (await fs.make(root, 'a')).ino as Ino
  return { fs, ino, table: new StateChunkTable(fs.state, fs.executor, journal) }
}

t.test('chunks are made, found and counted', async t => {
  const { fs, ino, table } = await openTable()
  t.equal(table.masterEpoch, 1)
  t.equal(table.goalOf(ino), 3)
  t.throws(() => table.goalOf(root as Ino), { code: 'IS_A_DIRECTORY' })
  t.throws(() => table.goalOf(999 as Ino), { code: 'NOT_FOUND' })

  const [two, zero] = await table.allocate(ino, [
    { index: 2, replicaCount: 3 },
    { index: 0, replicaCount: 2 },
  ])
  t.match(
    [two, zero],
    [
      { index: 2, version: 1, replicaCount: 3 },
      { index: 0, replicaCount: 2 },
    ],
  )
  t.same(await table.allocate(ino, [{ index: 2, replicaCount: 1 }]), [two], 'what is there stays as it is')
  t.same(table.chunksOf(ino, 0, 2), [zero])
  t.same(table.chunksOf(ino, 1, 100), [two])
  t.same(two && table.chunk(two.handle), two)
  t.same([...table.all()], [two, zero], 'in the order of handles')
  t.same(table.counts, { inodes: 2, chunks: 2 })
  await fs.unlink(root, 'a')
  t.same(table.counts, { inodes: 1, chunks: 0 })
})

t.test('a raise and a settling are on the disk when they have resolved', async t => {
  const synced = deferred<void>()
  class SlowJournal extends MemoryJournal {
    syncs = 0
    override sync(): Promise<void> {
      this.syncs++
      return synced.promise
    }
  }
  const journal = new SlowJournal()
  const { ino, table, fs } = await openTable(journal)
  const [chunk] = await table.allocate(ino, [{ index: 0, replicaCount: 3 }])
  t.equal(journal.syncs, 0)
  let raised = false
  const raising = table.raise(chunk?.handle as ChunkHandle, 1, 2).then(record => {
    raised = true
    return record
  })
  await fs.clock.advance(0)
  t.same([raised, journal.syncs], [false, 1])
  synced.resolve()
  t.match(await raising, { version: 2, settledVersion: 1, replicaCount: 2 })
  t.match(await table.settle(chunk?.handle as ChunkHandle, 2), { version: 2, settledVersion: 2 })
  t.equal(journal.syncs, 2)
  await t.rejects(table.raise(chunk?.handle as ChunkHandle, 1, 2), { code: 'STALE_VERSION' })
})

t.test('a chunk that is dropped meanwhile is not found', async t => {
  const { fs, ino, table } = await openTable()
  const allocating = table.allocate(ino, [{ index: 0, replicaCount: 3 }])
  const rejected = t.rejects(allocating, { code: 'NOT_FOUND' })
  await fs.unlink(root, 'a')
  await rejected
  await t.rejects(table.raise(1 as ChunkHandle, 1, 1), { code: 'NOT_FOUND' })
  await t.rejects(table.settle(1 as ChunkHandle, 1), { code: 'NOT_FOUND' })
  await t.rejects(table.allocate(ino, [{ index: 0, replicaCount: 3 }]), { code: 'NOT_FOUND' })
})

t.test('it says how far its records go, and what it may have lost', async t => {
  const { fs, ino, table } = await openTable()
  const mayBeLost = (...handles: number[]) => handles.map(handle => table.mayBeLost(handle as ChunkHandle))
  await table.allocate(ino, [{ index: 0, replicaCount: 1 }])
  t.same(mayBeLost(1, 2, 3), [false, true, true], 'it has made one, and no other that it knows of')
  t.same(table.history, { starts: [{ epoch: 1, id: '', index: 1 }], lostEpoch: 0, index: fs.journal.lastIndex })
  await fs.submit((state, context) => checkStart(state, { uid: 0, gid: 0 }, true, context))
  await table.allocate(ino, [{ index: 1, replicaCount: 1 }])
  const stride = 2 ** 32
  t.same(mayBeLost(1, 2, stride, stride + 1, stride + 2), [false, true, true, false, true])
  t.match(table.history, { starts: [{}, { epoch: 1024 }], lostEpoch: 1024, index: fs.journal.lastIndex })
})
