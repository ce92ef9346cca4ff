import t from 'tap'
import { LeasefsError } from '../../src/base/errors.js'
import { KiB, MiB } from '../../src/base/units.js'
import { BlockLostError } from '../../src/client/block-lost.js'
import type { ChunkRange } from '../../src/client/chunk-reader.js'
import { FileReads, ReadCache, slicePieces } from '../../src/client/file-reads.js'
import { readBlockSize } from '../../src/client/limits.js'
import { newReader, planRead, type Reader } from '../../src/client/read-ahead.js'
import { chunkSize, mutationSizeMax } from '../../src/constants.js'
import type { ChunkHandle, Ino } from '../../src/wire/ids.js'

const size = 200 * MiB

/** The byte at each offset of the file, as the replicas have it. */
const byteAt = (offset: number, version: number) => (Math.floor(offset / 1000) * 7 + version) & 0xff

function make(bytesMax = 64 * MiB) {
  const fetched: { start: number; length: number }[] = []
  const script = {
    version: 0,
    fail: undefined as LeasefsError | undefined,
    hold: undefined as Promise<void> | undefined,
  }
  const chunks = {
    async read({ index, offset, length }: ChunkRange): Promise<readonly Buffer[]> {
      const start = index * chunkSize + offset
      fetched.push({ start, length })
      const { version, fail, hold } = script
      await hold
      if (fail) throw fail
      const bytes = Buffer.from(Array.from({ length }, (_, at) => byteAt(start + at, version)))
      return [bytes.subarray(0, 10), bytes.subarray(10)]
    },
  }
  const cache = new ReadCache(bytesMax)
  const reads = new FileReads(1 as Ino, chunks, cache)
  const read = async (reader: Reader, offset: number, length: number) => {
    const plan = planRead(reader, offset, length, size)
    const bytes = Buffer.concat(await reads.read({ start: offset, end: offset + length }, size, plan))
    return { reader: plan.reader, bytes }
  }
  const expected = (offset: number, length: number) =>
    Buffer.from(Array.from({ length }, (_, at) => byteAt(offset + at, script.version)))
  return { fetched, script, reads, read, expected, cache, chunks }
}

t.test('sequential reads are served from blocks fetched once, in large requests', async t => {
  const { read, expected, fetched } = make()
  let reader = newReader
  const step = 128 * KiB
  for (let offset = 0; offset < 12 * MiB; offset += step) {
    const got = await read(reader, offset, step)
    reader = got.reader
    if (!got.bytes.equals(expected(offset, step))) t.fail(`wrong bytes at ${offset}`)
  }
  const starts = fetched.map(({ start }) => start)
  t.equal(new Set(starts).size, starts.length, 'nothing twice')
  t.ok(fetched.every(({ start, length }) => Math.floor(start / MiB) === Math.floor((start + length - 1) / MiB)))
  const large = fetched.filter(({ length }) => length === mutationSizeMax)
  t.ok(large.length >= 8, `${large.length} of ${fetched.length} requests are whole`)
})

t.test('reads that jump fetch just what they ask for', async t => {
  const { read, expected, fetched } = make()
  const offset = 77 * MiB + 123
  t.ok((await read(newReader, offset, 4096)).bytes.equals(expected(offset, 4096)))
  t.same(fetched, [{ start: offset, length: 4096 }])
  const border = 128 * MiB - 100
  t.ok((await read(newReader, border, 200)).bytes.equals(expected(border, 200)), 'over the border of a chunk')
})

t.test('what has changed is fetched anew, the rest is kept', async t => {
  const { read, reads, expected, fetched, script } = make()
  await read(newReader, 0, 3 * readBlockSize)
  script.version = 1
  reads.changed({ start: readBlockSize, end: readBlockSize + 1 })
  fetched.length = 0
  const { bytes } = await read(newReader, readBlockSize, readBlockSize)
  t.ok(bytes.equals(expected(readBlockSize, readBlockSize)))
  t.equal(fetched.filter(({ start }) => start === readBlockSize).length, 1)
  t.notOk(fetched.some(({ start }) => start === 0))
})

t.test('a block on its way when it changes is not given to who comes later', async t => {
  const { read, reads, script } = make()
  let release = () => {}
  script.hold = new Promise(resolve => {
    release = resolve
  })
  const early = read(newReader, 0, 100)
  script.version = 1
  script.hold = undefined
  reads.changed({ start: 0, end: 1 })
  const late = await read(newReader, 0, 100)
  release()
  t.equal((await early).bytes[0], byteAt(0, 0))
  t.equal(late.bytes[0], byteAt(0, 1))
})

t.test('a failed fetch is an error for who waits, and tried again for who comes next', async t => {
  const { read, expected, script } = make()
  script.fail = new LeasefsError('IO', 'unreadable')
  await t.rejects(read(newReader, 0, 100), { code: 'IO' })
  script.fail = undefined
  t.ok((await read(newReader, 0, 100)).bytes.equals(expected(0, 100)))
})

t.test('damage in a block costs only who reads just that', async t => {
  const { read, script, chunks, expected } = make()
  const damage = new BlockLostError(5 as ChunkHandle, 0, 0, new LeasefsError('CORRUPT', 'bad'))
  const { read: readWell } = chunks
  chunks.read = async range => {
    if (range.offset === 0 && range.length > 4 * KiB) throw new LeasefsError('IO', 'damaged', { cause: damage })
    return await readWell(range)
  }
  const { bytes } = await read(newReader, 0, 4 * KiB)
  t.ok(bytes.equals(expected(0, 4 * KiB)))
  chunks.read = async () => {
    throw script.fail ?? new LeasefsError('IO', 'damaged', { cause: damage })
  }
  await t.rejects(read(newReader, 0, 4 * KiB), { code: 'IO' })
})

t.test('what is kept is bounded over all files, and dropped on demand', async t => {
  const { cache, chunks, read, reads } = make(4 * readBlockSize)
  const other = new FileReads(2 as Ino, chunks, cache)
  for (let at = 0; at < 4; at++)
    await read({ frontier: at * readBlockSize, window: 0 }, at * readBlockSize, readBlockSize)
  t.notOk(reads.isEmpty)
  const plan = planRead(newReader, 0, 4 * readBlockSize, 4 * readBlockSize)
  await other.read({ start: 0, end: 4 * readBlockSize }, 4 * readBlockSize, plan)
  t.ok(reads.isEmpty, 'the other file took the room')
  other.drop()
  t.ok(other.isEmpty)
})

t.test('reading through touches nothing that is kept', async t => {
  const { reads, script, fetched } = make()
  script.version = 3
  const [pieces] = [await reads.readThrough({ start: MiB - 10, end: MiB + 10 })]
  t.equal(Buffer.concat(pieces).length, 20)
  t.same(fetched, [
    { start: MiB - 10, length: 10 },
    { start: MiB, length: 10 },
  ])
  t.ok(reads.isEmpty)
})

t.test('slices are views of the pieces', async t => {
  const pieces = [Buffer.from('abc'), Buffer.from('defg'), Buffer.from('hi')]
  const cases: [from: number, length: number, text: string][] = [
    [0, 9, 'abcdefghi'],
    [1, 4, 'bcde'],
    [3, 4, 'defg'],
    [6, 3, 'ghi'],
    [2, 0, ''],
  ]
  for (const [from, length, text] of cases) {
    t.equal(Buffer.concat(slicePieces(pieces, from, length)).toString(), text, `${length} from ${from}`)
  }
  t.equal(slicePieces(pieces, 3, 4)[0], pieces[1], 'a whole piece is passed on as it is')
})
