// Damage that only a disk can have: to what a replica file has beside its data,
// to its length, and to the file as such.

import { openSync, readFileSync, renameSync, truncateSync, unlinkSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { SystemClock } from '../../../src/base/clock.js'
import { silentLog } from '../../../src/base/log.js'
import {
  blockMapStart,
  checksumsStart,
  dataStart,
  decodeHeader,
  replicaPath,
} from '../../../src/chunkserver/store/chunk-format.js'
import { DiskStore } from '../../../src/chunkserver/store/disk-store.js'
import { checksumBlockSize as size } from '../../../src/constants.js'
import type { ChunkHandle } from '../../../src/wire/ids.js'

const a = 0xa1 as ChunkHandle
const bytes = Buffer.alloc(3 * size, 7)

function open(directory: string): Promise<DiskStore> {
  return DiskStore.open({ directory, clock: new SystemClock(), log: silentLog })
}

/** A replica that is clean on the disk and open in the store. */
async function opened(t: Test) {
  const directory = t.testdir()
  const first = await open(directory)
  await first.create(a, 3)
  await first.write(a, 0, [bytes])
  await first.close()
  const store = await open(directory)
  t.teardown(() => store.close())
  await store.read(a, 0, 1)
  const path = join(directory, replicaPath(a))
  const flip = (position: number) => {
    const byte = readFileSync(path)[position] ?? 0
    writeSync(openSync(path, 'r+'), Buffer.from([~byte & 0xff]), 0, 1, position)
  }
  return { directory, store, path, flip }
}

t.test('a block that changed under an open file is found and mended', async t => {
  const { store, path, flip } = await opened(t)
  flip(dataStart + size + 9)
  t.same(await store.verify(a, 0, 64), [1])
  t.equal(await store.mend(a, 1, bytes.subarray(0, size)), true)
  t.same(await store.verify(a, 0, 64), [])
  t.ok(readFileSync(path).subarray(dataStart).equals(bytes))
})

t.test('a file that was cut lacks the blocks beyond, and gets them back', async t => {
  const { store, path } = await opened(t)
  truncateSync(path, dataStart + size + 100)
  t.same(await store.verify(a, 0, 64), [1, 2])
  for (const index of [2, 1]) t.equal(await store.mend(a, index, bytes.subarray(0, size)), true)
  t.ok(readFileSync(path).subarray(dataStart).equals(bytes))
})

for (const [what, position] of Object.entries({ checksums: checksumsStart + 5, 'block map': blockMapStart })) {
  t.test(`${what} that the disk has lost are written again`, async t => {
    const { store, path, flip } = await opened(t)
    const before = readFileSync(path)
    flip(position)
    t.equal(await store.inspect(a), 'mended')
    t.equal(await store.inspect(a), 'good')
    t.ok(readFileSync(path).equals(before))
  })
}

t.test('a header that the disk has lost is written again, with the version that was in use', async t => {
  const { store, path, flip, directory } = await opened(t)
  for (const slot of [0, 2048]) flip(slot + 24)
  t.throws(() => decodeHeader(readFileSync(path), a), { code: 'CORRUPT' })
  t.equal(await store.inspect(a), 'mended')
  t.match(decodeHeader(readFileSync(path), a), { version: 3, dirty: false })
  t.equal(await store.inspect(a), 'good')
  await store.close()
  const next = await open(directory)
  t.teardown(() => next.close())
  t.match(next.stat(a), { version: 3, length: bytes.length, doubtful: false })
})

t.test('a file that was taken away, or replaced, is gone', async t => {
  const { store, path } = await opened(t)
  const content = readFileSync(path)
  t.same(await store.missing(), [])
  renameSync(path, `${path}.taken`)
  t.same(await store.missing(), [a])
  t.equal(await store.inspect(a), 'gone')
  await t.rejects(store.verify(a, 0, 1), { code: 'NOT_FOUND' })
  writeFileSync(path, content)
  t.equal(await store.inspect(a), 'gone', 'what is written goes elsewhere')
  unlinkSync(`${path}.taken`)
})

t.test('files that nobody knows are told, and left alone', async t => {
  const { store, path, directory } = await opened(t)
  const strange = join(directory, 'b1', '00000000000000b1.chunk')
  writeFileSync(strange, readFileSync(path))
  writeFileSync(`${path}.damaged`, 'x')
  writeFileSync(join(directory, 'b1', 'notes.txt'), 'mine')
  t.same(await store.strangers(), ['a1/00000000000000a1.chunk.damaged', 'b1/00000000000000b1.chunk'])
  t.ok(readFileSync(strange).length > 0)
})
