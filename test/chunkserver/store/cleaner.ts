import t from 'tap'
import { silentLog } from '../../../src/base/log.js'
import { SimulatedClock } from '../../../src/base/simulated-clock.js'
import { Cleaner } from '../../../src/chunkserver/store/cleaner.js'
import { cleanIdleMs, cleanIntervalMs, cleansAtATimeMax } from '../../../src/chunkserver/store/limits.js'
import { newRecord, type ReplicaRecord } from '../../../src/chunkserver/store/replica-record.js'
import type { ChunkHandle } from '../../../src/wire/ids.js'

function dirtyRecords(count: number, changedAt: number | undefined): Set<ReplicaRecord> {
  const records = Array.from({ length: count }, (_, index) => newRecord((index + 1) as ChunkHandle, 1, 0))
  for (const record of records) record.changedAt = changedAt
  return new Set(records)
}

function cleaning(dirty: Set<ReplicaRecord>, fails = false) {
  const clock = new SimulatedClock()
  const cleaned: number[] = []
  const clean = async (handle: ChunkHandle) => {
    cleaned.push(handle)
    if (fails) throw new Error('EIO')
    for (const record of dirty) if (record.handle === handle) dirty.delete(record)
  }
  return { clock, cleaned, cleaner: new Cleaner({ dirty, clean, clock, log: silentLog }) }
}

t.test('replicas are cleaned when they have been left alone, some at a time', async t => {
  const { clock, cleaned, cleaner } = cleaning(dirtyRecords(cleansAtATimeMax + 5, 0))
  cleaner.start()
  await clock.advance(cleanIdleMs - 1)
  t.equal(cleaned.length, 0)
  await clock.advance(1)
  t.equal(cleaned.length, cleansAtATimeMax)
  await clock.advance(cleanIntervalMs)
  t.equal(cleaned.length, cleansAtATimeMax + 5)
  await cleaner.close()
})

t.test('those of an earlier process are cleaned too, but a closing store does not wait for them', async t => {
  const before = cleaning(dirtyRecords(3, undefined))
  before.cleaner.start()
  await before.clock.advance(cleanIdleMs + cleanIntervalMs)
  t.equal(before.cleaned.length, 3)
  const closing = cleaning(dirtyRecords(3, undefined))
  await closing.cleaner.close()
  t.equal(closing.cleaned.length, 0)
})

t.test('closing cleans everything of ours, and a failure stops nothing', async t => {
  const { cleaned, cleaner } = cleaning(dirtyRecords(20, 0), true)
  await cleaner.close()
  t.equal(cleaned.length, 20)
})

t.test('what the disk has lost is left alone', async t => {
  const dirty = dirtyRecords(1, 0)
  for (const record of dirty) record.lost = true
  const { clock, cleaned, cleaner } = cleaning(dirty)
  cleaner.start()
  await clock.advance(2 * cleanIdleMs)
  t.equal(cleaned.length, 0)
})
