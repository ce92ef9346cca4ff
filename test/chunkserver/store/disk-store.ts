import {
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { crc32 } from '@node-rs/crc32'
import t, { type Test } from 'tap'
import { SystemClock } from '../../../src/base/clock.js'
import { silentLog } from '../../../src/base/log.js'
import { SimulatedClock } from '../../../src/base/simulated-clock.js'
import { MiB } from '../../../src/base/units.js'
import { dataStart, decodeHeader, replicaPath } from '../../../src/chunkserver/store/chunk-format.js'
import { DiskStore } from '../../../src/chunkserver/store/disk-store.js'
import { cleanIdleMs, cleanIntervalMs } from '../../../src/chunkserver/store/limits.js'
import { checksumBlockSize } from '../../../src/constants.js'
import type { ChunkHandle } from '../../../src/wire/ids.js'
import { chunkStoreSuite } from '../../suites/chunk-store.js'

const a = 0xa1 as ChunkHandle

type More = { openFilesMax?: number; clock?: SimulatedClock; punchProgram?: string }

function open(directory: string, more: More = {}): Promise<DiskStore> {
  return DiskStore.open({ directory, clock: new SystemClock(), log: silentLog, ...more })
}

function corruptByte(directory: string, handle: ChunkHandle, offset: number): void {
  const path = join(directory, replicaPath(handle))
  const byte = readFileSync(path)[dataStart + offset] ?? 0
  writeSync(openSync(path, 'r+'), Buffer.from([~byte & 0xff]), 0, 1, dataStart + offset)
}

function headerOf(directory: string, handle: ChunkHandle) {
  return decodeHeader(readFileSync(join(directory, replicaPath(handle))), handle)
}

for (const openFilesMax of [512, 1]) {
  t.test(`with at most ${openFilesMax} idle files open`, async t => {
    chunkStoreSuite(t, t => {
      const directory = join(t.testdir(), 'chunks')
      return {
        open: () => open(directory, { openFilesMax }),
        restart: () => open(directory, { openFilesMax }),
        corruptByte: (handle, offset) => corruptByte(directory, handle, offset),
      }
    })
  })
}

async function written(t: Test, clock?: SimulatedClock): Promise<{ directory: string; store: DiskStore }> {
  const directory = t.testdir()
  const store = await open(directory, clock ? { clock } : {})
  t.teardown(() => store.close())
  await store.create(a, 1)
  await store.write(a, 0, [Buffer.alloc(3 * checksumBlockSize, 7)])
  return { directory, store }
}

t.test('a replica is dirty in its file until it is closed, and dirty again before its next change', async t => {
  const { directory, store } = await written(t)
  t.equal(headerOf(directory, a).dirty, true)
  await store.close()
  t.equal(headerOf(directory, a).dirty, false)

  const next = await open(directory)
  t.teardown(() => next.close())
  await next.read(a, 0, 1)
  t.equal(headerOf(directory, a).dirty, false, 'a read changes nothing')
  await next.write(a, 5, [Buffer.from('x')])
  t.equal(headerOf(directory, a).dirty, true)
})

t.test('a replica left alone is cleaned', async t => {
  const clock = new SimulatedClock()
  const { directory, store } = await written(t, clock)
  await clock.advance(cleanIdleMs - cleanIntervalMs)
  t.equal(headerOf(directory, a).dirty, true)
  for (let round = 0; round < 200 && headerOf(directory, a).dirty; round++) await clock.advance(cleanIntervalMs)
  t.equal(headerOf(directory, a).dirty, false)
  await store.write(a, 1, [Buffer.from('again')])
  t.equal(headerOf(directory, a).dirty, true)
})

t.test('the checksums of a dirty replica are those of its data after a crash', async t => {
  const { directory } = await written(t)
  corruptByte(directory, a, 10)
  const next = await open(directory)
  t.teardown(() => next.close())
  t.equal((await next.read(a, 10, 1)).buffers[0]?.[0], ~7 & 0xff)
})

t.test('a torn header leaves the one before it', async t => {
  const { directory, store } = await written(t)
  await store.setVersion(a, 2)
  const { sequence } = headerOf(directory, a)
  const path = join(directory, replicaPath(a))
  writeSync(openSync(path, 'r+'), Buffer.from('torn'), 0, 4, (sequence % 2) * 2048 + 20)
  t.match(headerOf(directory, a), { version: 1, sequence: sequence - 1 })
})

t.test('a file that was never finished is removed', async t => {
  const directory = t.testdir()
  await (await open(directory)).close()
  const path = join(directory, replicaPath(a))
  writeFileSync(path, 'LFSCH')
  const store = await open(directory)
  t.teardown(() => store.close())
  t.equal(store.stat(a), undefined)
  t.notOk(existsSync(path))
  await store.create(a, 1)
})

t.test('a file without a readable header is set aside, and strangers are left alone', async t => {
  const { directory, store } = await written(t)
  await store.close()
  const path = join(directory, replicaPath(a))
  writeFileSync(path, Buffer.alloc(statSync(path).size, 1))
  writeFileSync(join(directory, 'a1', 'notes.txt'), 'mine')
  const next = await open(directory)
  t.teardown(() => next.close())
  t.same([...next.list()], [])
  t.same(readdirSync(join(directory, 'a1')).sort(), ['00000000000000a1.chunk.damaged', 'notes.txt'])
})

t.test('a store with replicas of another layout is not opened, and stays as it is', async t => {
  const { directory, store } = await written(t)
  await store.close()
  const path = join(directory, replicaPath(a))
  const bytes = readFileSync(path)
  for (const slot of [0, 2048]) {
    bytes.writeUInt32LE(1, slot + 8)
    bytes.writeUInt32LE(crc32(bytes.subarray(slot, slot + 60)), slot + 60)
  }
  writeFileSync(path, bytes)
  await t.rejects(open(directory), { code: 'NOT_SUPPORTED' })
  t.ok(readFileSync(path).equals(bytes))
})

for (const punchProgram of [undefined, 'false', 'there-is-no-such-program']) {
  t.test(`a large hole reads as zeros, also after a crash: ${punchProgram ?? 'its space is given back'}`, async t => {
    const directory = t.testdir()
    const store = await open(directory, punchProgram ? { punchProgram } : {})
    t.teardown(() => store.close())
    await store.create(a, 1)
    const bytes = Buffer.alloc(MiB, 7)
    for (let offset = 0; offset < 8 * MiB; offset += MiB) await store.write(a, offset, [bytes])
    const path = join(directory, replicaPath(a))
    await store.zero(a, MiB - 100, 4 * MiB)
    await store.zero(a, 6 * MiB + 5, 100 * MiB)
    const kept = MiB - 100 + (MiB + 100) + 5
    const held = Math.ceil(kept / checksumBlockSize) * checksumBlockSize
    t.ok((store.allocatedBytes(a) ?? 0) <= held + checksumBlockSize)
    if (!punchProgram) t.ok(statSync(path).blocks * 512 < 3 * MiB, 'the file takes less space')
    t.equal(store.stat(a)?.length, 8 * MiB)
    const expected = Buffer.alloc(8 * MiB, 7)
    expected.fill(0, MiB - 100, 5 * MiB - 100).fill(0, 6 * MiB + 5)
    const next = await open(directory)
    t.teardown(() => next.close())
    for (const [when, of] of Object.entries({ before: store, after: next })) {
      for (let offset = 0; offset < 8 * MiB; offset += MiB) {
        const read = Buffer.concat((await of.read(a, offset, MiB)).buffers)
        t.ok(read.equals(expected.subarray(offset, offset + MiB)), `MiB ${offset / MiB} ${when} it`)
      }
    }
    t.equal((await next.extents(a)).allocatedBytes, store.allocatedBytes(a))
  })
}

t.test('a file cut behind the back of the store is CORRUPT', async t => {
  const { directory, store } = await written(t)
  truncateSync(join(directory, replicaPath(a)), dataStart + 100)
  await t.rejects(store.read(a, 200, 1), { code: 'CORRUPT' })
})

t.test('a replica that vanished is IO', async t => {
  const { directory, store } = await written(t)
  await store.close()
  const next = await open(directory)
  t.teardown(() => next.close())
  unlinkSync(join(directory, replicaPath(a)))
  await t.rejects(next.read(a, 0, 1), { code: 'IO' })
})

t.test('a delete waits for reads under way', async t => {
  const { store } = await written(t)
  const reads = Array.from({ length: 20 }, () => store.read(a, 0, 100))
  await store.delete(a)
  t.equal((await Promise.all(reads)).length, 20)
  await t.rejects(store.read(a, 0, 1), { code: 'NOT_FOUND' })
})
