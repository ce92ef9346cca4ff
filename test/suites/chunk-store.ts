// What every ChunkStore must do.

import { crc32 } from '@node-rs/crc32'
import type { Test } from 'tap'
import { SeededRandom } from '../../src/base/random.js'
import { MiB } from '../../src/base/units.js'
import type { ChunkStore } from '../../src/chunkserver/store/chunk-store.js'
import { checksumBlockSize, chunkSize } from '../../src/constants.js'
import type { ChunkHandle } from '../../src/wire/ids.js'
import { damagedReplicasSuite } from './damaged-replicas.js'
import { replicasBeingMadeSuite } from './replicas-being-made.js'

export interface StoreHarness {
  /** A store on an empty disk. */
  open(): Promise<ChunkStore>
  /** The process dies without closing `store`; the next one opens the same disk. */
  restart(store: ChunkStore): Promise<ChunkStore>
  /** Changes one byte of a replica behind the back of the store, which has been closed. */
  corruptByte(handle: ChunkHandle, offset: number): void
}

const a = 0xa1 as ChunkHandle
const b = 0x1_0000_00b2 as ChunkHandle
const block = checksumBlockSize

/** Bytes that tell where they came from. */
function pattern(length: number, seed = 1): Buffer {
  return Buffer.from(Uint8Array.from({ length }, (_, index) => ((index * 31 + seed * 7 + (index >> 8)) % 251) | 1))
}

/** All bytes of a range, after a look at the lengths and the checksum of the answer. */
async function read(t: Test, store: ChunkStore, offset: number, length: number, handle = a): Promise<Buffer> {
  const answer = await store.read(handle, offset, length)
  const bytes = Buffer.concat(answer.buffers)
  if (bytes.length !== answer.length) t.equal(bytes.length, answer.length, 'the pieces have the length told')
  if (crc32(bytes) !== answer.crc32) t.equal(answer.crc32, crc32(bytes), 'the checksum is that of the bytes')
  return bytes
}

/** The indexes of the blocks that are stored. */
async function stored(store: ChunkStore, handle = a): Promise<number[]> {
  const { blocks } = await store.extents(handle)
  return Array.from({ length: 8 * blocks.length }, (_, index) => index).filter(
    index => ((blocks[index >> 3] as number) >> (index & 7)) & 1,
  )
}

/** In pieces that are cut anywhere. */
function pieces(bytes: Buffer, size: number): Buffer[] {
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
    bytes.subarray(index * size, (index + 1) * size),
  )
}

export function chunkStoreSuite(t: Test, harness: (t: Test) => StoreHarness): void {
  replicasBeingMadeSuite(t, harness)
  damagedReplicasSuite(t, harness)
  type Body = (t: Test, store: ChunkStore, harness: StoreHarness) => Promise<void>
  const test = (name: string, body: Body) =>
    t.test(name, async t => {
      const made = harness(t)
      const store = await made.open()
      t.teardown(() => store.close())
      await body(t, store, made)
    })

  test('a replica is created once, empty, with its version', async (t, store) => {
    t.equal(store.stat(a), undefined)
    await store.create(a, 3)
    t.same(store.stat(a), { handle: a, version: 3, length: 0, doubtful: false })
    await t.rejects(store.create(a, 3), { code: 'ALREADY_EXISTS' })
    t.same(await read(t, store, 0, 100), Buffer.alloc(0))
  })

  test('of two creations at once, one wins', async (t, store) => {
    const results = await Promise.allSettled([store.create(a, 1), store.create(a, 1)])
    t.same(results.map(result => result.status).sort(), ['fulfilled', 'rejected'])
  })

  test('what is not here is NOT_FOUND', async (t, store) => {
    await t.rejects(store.read(a, 0, 1), { code: 'NOT_FOUND' })
    await t.rejects(store.write(a, 0, [Buffer.from('x')]), { code: 'NOT_FOUND' })
    await t.rejects(store.truncate(a, 0), { code: 'NOT_FOUND' })
    await t.rejects(store.sync(a), { code: 'NOT_FOUND' })
    await t.rejects(store.setVersion(a, 1), { code: 'NOT_FOUND' })
    await store.delete(a)
  })

  test('what is written is read, whatever the size and the pieces', async (t, store) => {
    await store.create(a, 1)
    const sizes = [1, 511, block - 1, block, block + 1, 2 * block - 1, 2 * block, 3 * block + 7, MiB]
    let offset = 0
    for (const [index, size] of sizes.entries()) {
      const bytes = pattern(size, index)
      await store.write(a, offset, pieces(bytes, [1 << 20, 1000, block, 65_536][index % 4] as number))
      t.ok(bytes.equals(await read(t, store, offset, size)), `${size} bytes at ${offset}`)
      offset += size
    }
    t.equal(store.stat(a)?.length, offset)
    t.equal((await read(t, store, 0, MiB)).length, MiB)
  })

  test('a read gives any part, and stops at the end of the replica', async (t, store) => {
    await store.create(a, 1)
    const bytes = pattern(3 * block + 100)
    await store.write(a, 0, [bytes])
    for (const offset of [0, 1, block - 1, block, block + 1, 3 * block, 3 * block + 99]) {
      for (const length of [1, 2, block - 1, block, block + 1, 2 * block, 4 * block]) {
        const expected = bytes.subarray(offset, offset + length)
        t.ok(expected.equals(await read(t, store, offset, length)), `${length} bytes at ${offset}`)
      }
    }
    t.same(await read(t, store, bytes.length, 1), Buffer.alloc(0))
    t.same(await read(t, store, 10 * block, 1), Buffer.alloc(0))
    t.same(await read(t, store, 5, 0), Buffer.alloc(0))
  })

  test('writes within and across blocks change nothing else', async (t, store) => {
    await store.create(a, 1)
    const random = new SeededRandom(7)
    const expected = pattern(8 * block + 123)
    await store.write(a, 0, [expected])
    for (let count = 0; count < 60; count++) {
      const offset = Math.floor(random.next() * expected.length)
      const length = 1 + Math.floor(random.next() * Math.min(3 * block, expected.length - offset))
      const bytes = pattern(length, count)
      bytes.copy(expected, offset)
      await store.write(a, offset, pieces(bytes, 1 + Math.floor(random.next() * 5000)))
    }
    t.ok(expected.equals(await read(t, store, 0, MiB)))
  })

  test('holes read as zeros', async (t, store) => {
    await store.create(a, 1)
    await store.write(a, 100, [pattern(10)])
    await store.write(a, 5 * block + 3, [pattern(10, 2)])
    const expected = Buffer.alloc(5 * block + 13)
    pattern(10).copy(expected, 100)
    pattern(10, 2).copy(expected, 5 * block + 3)
    t.ok(expected.equals(await read(t, store, 0, MiB)))
    await store.write(a, 2 * block + 1, [pattern(1)])
    pattern(1).copy(expected, 2 * block + 1)
    t.ok(expected.equals(await read(t, store, 0, MiB)))
  })

  test('the last byte of a chunk can be written', async (t, store) => {
    await store.create(a, 1)
    await store.write(a, chunkSize - 1, [Buffer.from('!')])
    t.equal(store.stat(a)?.length, chunkSize)
    t.same(await read(t, store, chunkSize - 3, 100), Buffer.from('\0\0!'))
  })

  test('truncation cuts, and what grows back is zeros', async (t, store) => {
    await store.create(a, 1)
    for (const length of [3 * block, 2 * block + 5, block, block - 1, 1, 0]) {
      const bytes = pattern(3 * block + 9)
      await store.write(a, 0, [bytes])
      await store.truncate(a, length)
      t.equal(store.stat(a)?.length, length)
      t.ok(bytes.subarray(0, length).equals(await read(t, store, 0, MiB)), `cut to ${length}`)
      await store.truncate(a, 4 * block)
      const grown = Buffer.concat([bytes.subarray(0, length)], 4 * block)
      t.ok(grown.equals(await read(t, store, 0, MiB)), `grown from ${length}`)
      await store.write(a, length + 1, [Buffer.from('x')])
      grown.write('x', length + 1)
      t.ok(grown.equals(await read(t, store, 0, MiB)), `written after growing from ${length}`)
    }
  })

  test('replicas are listed, and gone when deleted', async (t, store) => {
    await store.create(a, 1)
    await store.create(b, 2)
    await store.write(b, 0, [pattern(5)])
    const byHandle = [...store.list()].sort((x, y) => x.handle - y.handle)
    t.same(byHandle, [
      { handle: a, version: 1, length: 0, doubtful: false },
      { handle: b, version: 2, length: 5, doubtful: false },
    ])
    await store.delete(a)
    t.same([...store.list()], [{ handle: b, version: 2, length: 5, doubtful: false }])
    await store.create(a, 9)
    t.same(store.stat(a), { handle: a, version: 9, length: 0, doubtful: false })
  })

  test('everything that was answered survives the death of the process', async (t, store, harness) => {
    await store.create(a, 1)
    await store.create(b, 1)
    const bytes = pattern(2 * block + 77)
    await store.write(a, 0, [bytes])
    await store.sync(a)
    await store.write(a, block + 1, [pattern(block, 9)])
    pattern(block, 9).copy(bytes, block + 1)
    await store.setVersion(a, 2)
    await store.write(b, 10, [pattern(3)])
    await store.delete(b)
    const next = await harness.restart(store)
    t.teardown(() => next.close())
    t.same([...next.list()], [{ handle: a, version: 2, length: bytes.length, doubtful: true }])
    t.ok(bytes.equals(await read(t, next, 0, MiB)))
    await next.write(a, 1, [pattern(5, 3)])
    pattern(5, 3).copy(bytes, 1)
    t.ok(bytes.equals(await read(t, next, 0, MiB)))
  })

  test('a closed store opens again as it was', async (t, store, harness) => {
    await store.create(a, 4)
    const bytes = pattern(3 * block + 77)
    await store.write(a, 0, [bytes])
    await store.close()
    await store.close()
    const next = await harness.restart(store)
    t.teardown(() => next.close())
    t.same([...next.list()], [{ handle: a, version: 4, length: bytes.length, doubtful: false }])
    t.ok(bytes.equals(await read(t, next, 0, MiB)))
  })

  test('a damaged block is CORRUPT, and only that', async (t, store, harness) => {
    await store.create(a, 1)
    const bytes = pattern(4 * block)
    await store.write(a, 0, [bytes])
    await store.close()
    harness.corruptByte(a, block + 5)
    const next = await harness.restart(store)
    t.teardown(() => next.close())
    await t.rejects(next.read(a, block, 1), { code: 'CORRUPT' })
    await t.rejects(next.read(a, 0, 4 * block), { code: 'CORRUPT' })
    await t.rejects(next.write(a, block + 100, [pattern(5)]), { code: 'CORRUPT' }, 'what stays of it is not trusted')
    await t.rejects(next.truncate(a, block + 100), { code: 'CORRUPT' })
    t.ok(bytes.subarray(0, block).equals(await read(t, next, 0, block)))
    t.ok(bytes.subarray(2 * block).equals(await read(t, next, 2 * block, MiB)))
    await next.write(a, block, [pattern(block, 3)])
    t.ok(pattern(block, 3).equals(await read(t, next, block, block)), 'a block written whole is well again')
  })

  test('a read sees a change of a block whole or not at all', async (t, store) => {
    await store.create(a, 1)
    const versions = [0, 1, 2, 3].map(value => Buffer.alloc(4 * block, 65 + value))
    await store.write(a, 0, [versions[0] as Buffer])
    let writing = true
    const writes = (async () => {
      for (let count = 0; count < 40; count++) {
        const length = count % 2 ? 4 * block : 2 * block + 100
        await store.write(a, 0, pieces((versions[count % 4] as Buffer).subarray(0, length), 10_000))
      }
      writing = false
    })()
    let count = 0
    while (writing) {
      const bytes = await read(t, store, block * (count++ % 2), 2 * block)
      for (const half of [bytes.subarray(0, block), bytes.subarray(block)]) {
        // The shorter writes end 100 bytes into a block.
        const mixed = half.some((byte, index) => byte !== half[index < 100 ? 0 : 100])
        if (mixed) t.fail('a block is a mixture')
      }
    }
    await writes
    t.ok(count > 0)
  })

  test('syncs at once all succeed, and what they cover is there', async (t, store) => {
    await store.create(a, 1)
    const done: Promise<void>[] = []
    for (let count = 0; count < 10; count++) {
      await store.write(a, count * 100, [pattern(100, count)])
      done.push(store.sync(a), store.sync(a))
    }
    await Promise.all(done)
    t.equal(store.stat(a)?.length, 1000)
  })

  test('written blocks are stored, also zeros; zeroed ones are holes; allocated ones are stored zeros', async (t, store) => {
    await store.create(a, 1)
    t.same(await stored(store), [])
    await store.write(a, 2 * block + 5, [Buffer.alloc(block)])
    t.same(await stored(store), [2, 3])
    t.equal(
      (await store.extents(a)).allocatedBytes,
      block + 4096,
      'the last block as far as it goes, in units of 4 KiB',
    )
    await store.zero(a, 2 * block, 10 * block)
    t.same(await stored(store), [], 'the last block is whole if all there is of it goes')
    t.equal(store.stat(a)?.length, 3 * block + 5, 'nothing gets shorter or longer')
    await store.allocate(a, block - 1, 4 * block)
    t.same(await stored(store), [0, 1, 2, 3, 4])
    t.equal(store.stat(a)?.length, 5 * block - 1)
    t.ok(Buffer.alloc(5 * block - 1).equals(await read(t, store, 0, MiB)))
    await store.write(a, 0, [pattern(3 * block)])
    await store.zero(a, 100, block)
    t.same(await stored(store), [0, 1, 2, 3, 4], 'no whole block')
    const expected = pattern(3 * block).fill(0, 100, 100 + block)
    t.ok(expected.equals(await read(t, store, 0, 3 * block)))
    await store.truncate(a, block + 1)
    await store.truncate(a, 9 * block)
    t.same(await stored(store), [0, 1], 'what grows back is a hole')
    t.equal(store.allocatedBytes(a), 2 * block)
  })

  test('extents of what is not here are NOT_FOUND', async (t, store) => {
    await t.rejects(store.extents(a), { code: 'NOT_FOUND' })
    await t.rejects(store.zero(a, 0, 1), { code: 'NOT_FOUND' })
    await t.rejects(store.allocate(a, 0, 1), { code: 'NOT_FOUND' })
    t.equal(store.allocatedBytes(a), undefined)
  })

  test('what is stored is known again when a closed store is opened', async (t, store, harness) => {
    await store.create(a, 1)
    await store.allocate(a, 0, 3 * block)
    await store.zero(a, block, block)
    await store.write(a, 5 * block, [pattern(100)])
    await store.close()
    const next = await harness.restart(store)
    t.teardown(() => next.close())
    t.same(await stored(next), [0, 2, 5])
    t.equal(next.allocatedBytes(a), 2 * block + 4096)
  })

  test('whatever happens in whatever order, bytes and stored blocks are those of a model', async (t, store) => {
    await store.create(a, 1)
    const random = new SeededRandom(11)
    const upTo = (max: number) => Math.floor(random.next() * max)
    const bytes = Buffer.alloc(12 * block)
    const blocks = new Set<number>()
    let length = 0
    const touched = (from: number, to: number) => {
      for (let index = Math.floor(from / block); index * block < to; index++) blocks.add(index)
      length = Math.max(length, to)
    }
    for (let count = 0; count < 300; count++) {
      const offset = random.next() < 0.3 ? block * upTo(10) : upTo(10 * block)
      const size = random.next() < 0.3 ? block * (1 + upTo(2)) : 1 + upTo(2 * block)
      const kind = ['write', 'zero', 'zero', 'allocate', 'truncate'][upTo(5)]
      if (kind === 'write') {
        await store.write(a, offset, pieces(pattern(size, count), 5000))
        pattern(size, count).copy(bytes, offset)
        touched(offset, offset + size)
      } else if (kind === 'allocate') {
        await store.allocate(a, offset, size)
        touched(offset, offset + size)
      } else if (kind === 'zero') {
        await store.zero(a, offset, size)
        const end = Math.min(offset + size, length)
        if (offset < end) bytes.fill(0, offset, end)
        for (const index of [...blocks]) {
          if (index * block >= offset && Math.min((index + 1) * block, length) <= end) blocks.delete(index)
        }
      } else {
        await store.truncate(a, offset)
        bytes.fill(0, offset)
        length = offset
        for (const index of [...blocks]) if (index * block >= length) blocks.delete(index)
      }
      const step = `${count}: ${kind} [${offset}, +${size})`
      if (!bytes.subarray(0, length).equals(await read(t, store, 0, MiB))) t.fail(`bytes after ${step}`)
      const expected = [...blocks].sort((x, y) => x - y).join()
      if ((await stored(store)).join() !== expected) t.equal((await stored(store)).join(), expected, step)
    }
    t.equal(store.stat(a)?.length, length)
  })

  test('there is space, and its total is not less than what is free', async (t, store) => {
    const { totalBytes, freeBytes } = await store.space()
    t.ok(freeBytes > 0)
    t.ok(totalBytes >= freeBytes)
  })

  test('checksums are told with what is stored, and follow every change', async (t, store) => {
    await store.create(a, 1)
    t.match(await store.checksums(a), { length: 0, checksums: new Uint32Array(0) })
    await store.write(a, block, [pattern(block + 7)])
    const first = await store.checksums(a)
    t.equal(first.length, 2 * block + 7)
    t.equal(first.checksums.length, 3)
    t.equal(first.checksums[0], 0, 'a hole')
    await store.create(b, 1)
    await store.write(b, block, [pattern(block + 7)])
    t.same(await store.checksums(b), first, 'the same bytes have the same checksums')
    await store.write(a, 2 * block, [Buffer.from([0])])
    const second = await store.checksums(a)
    t.equal(second.checksums[1], first.checksums[1])
    t.not(second.checksums[2], first.checksums[2])
  })
}
