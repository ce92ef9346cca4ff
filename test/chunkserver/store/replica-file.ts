// What disk-store.ts does not show of one file: its changes, syncs and
// cleaning at the same time.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { SimulatedClock } from '../../../src/base/simulated-clock.js'
import { decodeHeader } from '../../../src/chunkserver/store/chunk-format.js'
import { DirectReads } from '../../../src/chunkserver/store/direct-reads.js'
import { type FileContext, ReplicaFile } from '../../../src/chunkserver/store/replica-file.js'
import type { ReplicaRecord } from '../../../src/chunkserver/store/replica-record.js'
import type { ChunkHandle } from '../../../src/wire/ids.js'

const handle = 1 as ChunkHandle

async function created(t: Test) {
  const path = join(t.testdir(), 'replica')
  const holes = { punch: async () => false }
  const context: FileContext = { clock: new SimulatedClock(), dirty: new Set(), holes, direct: new DirectReads() }
  const file = await ReplicaFile.create(path, handle, 1, context)
  t.teardown(() => file.close())
  /** As a process that starts now would find it. */
  const reopen = async () => {
    const { version, dirty, sequence } = decodeHeader(readFileSync(path), handle)
    const { length } = file.record
    const record: ReplicaRecord = {
      ...{ handle, version, dirty, sequence, length, entryDurable: true, doubtful: dirty, lost: false },
      ...{ checksumsSaved: !dirty, allocatedBytes: undefined, changedAt: undefined },
    }
    const next = await ReplicaFile.open(path, record, context)
    t.teardown(() => next.close())
    return next
  }
  return { context, file, reopen }
}

t.test('a cleaned file is clean, and dirty again with its next change', async t => {
  const { context, file, reopen } = await created(t)
  t.ok(context.dirty.has(file.record))
  await file.write(0, [Buffer.alloc(50_000, 1)])
  await file.clean()
  t.notOk(file.record.dirty)
  t.notOk(context.dirty.has(file.record))
  const next = await reopen()
  t.notOk(next.record.dirty)
  t.equal((await next.read(0, 50_000)).length, 50_000, 'its checksums are in the file')
  await file.truncate(10)
  t.ok(file.record.dirty)
  t.ok(context.dirty.has(file.record))
})

t.test('a change while the file is cleaned never leaves it clean with old checksums', async t => {
  const { file, reopen } = await created(t)
  let clean = 0
  for (let round = 0; round < 60; round++) {
    await file.write(0, [Buffer.alloc(30_000, round + 100)])
    const cleaning = file.clean()
    for (let turn = 0; turn < round % 12; turn++) await new Promise(resolve => setImmediate(resolve))
    const offset = (round % 5) * 7000
    const changing = round % 7 === 6 ? file.truncate(offset + 3) : file.write(offset, [Buffer.alloc(5000, round)])
    await Promise.all([cleaning, changing, file.sync()])
    const next = await reopen()
    await next.read(0, 40_000)
    if (!next.record.dirty) clean++
    else await file.clean()
    const cleaned = await reopen()
    t.ok((await cleaned.read(0, 40_000)).length > 0)
  }
  t.comment(`${clean} of 60 rounds ended clean`)
})

t.test('a version set while the file is changed and cleaned stays', async t => {
  const { file, reopen } = await created(t)
  for (let round = 1; round <= 20; round++) {
    await Promise.all([file.write(0, [Buffer.alloc(100, round)]), file.setVersion(round), file.clean()])
    t.equal((await reopen()).record.version, round)
  }
})
