import t from 'tap'
import { MiB } from '../../src/base/units.js'
import { newReader } from '../../src/client/read-ahead.js'
import { chunkSize } from '../../src/constants.js'
import type { Ino } from '../../src/wire/ids.js'
import { startInodes } from './harness/inodes.js'
import { stateOf } from './harness/master.js'

const file = 10 as Ino

async function open(t: Parameters<typeof startInodes>[0], size: number) {
  const parts = await startInodes(t, new Map([[file, size]]))
  const { inode } = await parts.run(parts.inodes.open(file))
  const read = async (offset: number, length: number) =>
    Buffer.concat((await parts.run(inode.read(newReader, offset, length))).pieces)
  return { ...parts, inode, read }
}

t.test('a read ends with the file', async t => {
  const { read, data } = await open(t, 100)
  t.equal((await read(0, 1000)).length, 100)
  t.equal((await read(90, 1000)).length, 10)
  t.equal((await read(100, 10)).length, 0)
  t.equal((await read(500, 10)).length, 0)
  t.ok(data.reads.every(({ request }) => request.offset + request.length <= 100))
})

t.test('what is dirty is read from here, only the rest from the replicas', async t => {
  const { inode, read, data } = await open(t, 100)
  inode.writes.write(10, Buffer.from('dirty'))
  t.same(await read(8, 9), Buffer.from('\x01\x01dirty\x01\x01'))
  data.reads.length = 0
  t.same(await read(10, 5), Buffer.from('dirty'))
  t.equal(data.reads.length, 0)
})

t.test('a write beyond the end makes the file longer at once', async t => {
  const { inode, read, run } = await open(t, 10)
  await inode.write(20, Buffer.from('x'))
  t.equal((await run(inode.attributes())).size, 21)
  t.equal((await read(0, 100)).length, 21)
})

t.test('appends go to the end, wherever that is by then', async t => {
  const { inode, read, run } = await open(t, 3)
  const checked: number[] = []
  const append = (text: string) => inode.append(Buffer.from(text), offset => checked.push(offset))
  await run(Promise.all([append('ab'), append('cde'), append('f')]))
  t.same(checked, [3, 5, 8])
  t.same(await read(0, 100), Buffer.from('\x01\x01\x01abcdef'))
})

t.test('an append may be refused for where it would go', async t => {
  const { inode, run } = await open(t, 3)
  const refuse = () => {
    throw new Error('too far')
  }
  await t.rejects(run(inode.append(Buffer.from('a'), refuse)), { message: 'too far' })
  t.ok(inode.writes.isClean)
})

t.test('a cut goes to the replicas of the chunk that becomes the last, then to the master', async t => {
  const { inode, run, streams, asked } = await open(t, 2 * chunkSize)
  asked()
  const attributes = await run(inode.truncate({ size: chunkSize + 77 }))
  t.equal(attributes.size, chunkSize + 77)
  t.match(streams.commits, [
    { commit: { handle: 101, mutations: [{ kind: { $case: 'truncate', value: { length: 77 } } }] } },
  ])
  t.same(asked(), ['setAttributes'])
})

t.test("a cut at the border of a chunk, and growing, are the master's alone", async t => {
  const { inode, run, streams } = await open(t, 2 * chunkSize)
  await run(inode.truncate({ size: chunkSize }))
  await run(inode.truncate({ size: chunkSize + 5 }))
  t.same(streams.commits, [])
})

t.test('nobody writes while the file is cut', async t => {
  const { inode, run, streams, master } = await open(t, 1000)
  streams.outcome = undefined
  const cutting = inode.truncate({ size: 100 })
  await master.settle()
  const writing = inode.write(50, Buffer.from('x'))
  t.equal(await stateOf(writing), 'pending')
  streams.commits[0]?.answer({ ok: true })
  await run(Promise.all([cutting, writing]))
  t.ok(inode.writes.touches({ start: 50, end: 51 }))
})

t.test('dirty bytes beyond a cut are never pushed', async t => {
  const { inode, run, streams } = await open(t, 0)
  inode.writes.write(0, Buffer.alloc(10))
  inode.writes.write(5 * MiB, Buffer.alloc(10))
  await run(inode.truncate({ size: 20 }))
  t.same(
    streams.writes.map(({ offset }) => offset),
    [0],
  )
})

t.test('what can not be kept is read all the same', async t => {
  const { inode, read, master, data } = await open(t, 100)
  master.pongs = false
  await master.settle(5000)
  t.equal((await read(0, 50)).length, 50)
  t.equal((await read(0, 50)).length, 50)
  t.equal(data.reads.length, 2)
  t.ok(inode.reads.isEmpty)
})

t.test('data and holes are found by what chunks say they have stored', async t => {
  const { inode, run, stored } = await open(t, 3 * chunkSize + 100)
  stored.set(0, [{ start: 1000, end: 2000 }])
  stored.set(2, [
    { start: 0, end: 500 },
    { start: 800, end: chunkSize },
  ])
  stored.set(3, [{ start: 0, end: 16384 }])
  const seek = (offset: number, what: 'data' | 'hole') => run(inode.seek(offset, what))
  t.equal(await seek(0, 'data'), 1000)
  t.equal(await seek(1500, 'data'), 1500)
  t.equal(await seek(2000, 'data'), 2 * chunkSize, 'over a chunk that is not there')
  t.equal(await seek(0, 'hole'), 0)
  t.equal(await seek(1500, 'hole'), 2000)
  t.equal(await seek(2 * chunkSize + 100, 'hole'), 2 * chunkSize + 500)
  t.equal(await seek(2 * chunkSize + 900, 'hole'), 3 * chunkSize + 100, 'the end of the file is a hole')
  t.equal(await seek(3 * chunkSize + 100, 'data'), undefined)
  t.equal(await seek(3 * chunkSize + 100, 'hole'), undefined)
})

t.test('zeros go to the chunks that are there, up to the end of the file; the master hears of it', async t => {
  const { inode, run, streams, master } = await open(t, chunkSize + 1000)
  await run(inode.zero({ start: chunkSize - 10, end: chunkSize + 5000 }))
  const kinds = streams.commits.flatMap(({ commit }) => commit.mutations.map(({ kind }) => kind))
  t.same(kinds, [
    { $case: 'zero', value: { offset: chunkSize - 10, length: 10 } },
    { $case: 'zero', value: { offset: 0, length: 1000 } },
  ])
  t.match(master.requests.at(-1)?.operation, { $case: 'written' })
  t.ok(inode.writes.isClean)
})

t.test('space is allocated piece by piece, each within its chunk, and what is stored is told', async t => {
  const { inode, run, streams, master } = await open(t, 10)
  let serial = 0
  streams.outcome = ({ handle }) => ({
    ok: true,
    usage: { index: 0, handle, leaseId: 1, serial: ++serial, allocatedBytes: serial * 1000 },
  })
  await run(inode.allocate({ start: 4 * MiB, end: chunkSize + MiB }))
  const ranges = streams.commits.flatMap(({ commit }) => commit.mutations.map(({ kind }) => kind?.value))
  t.same(ranges.at(0), { offset: 4 * MiB, length: 4 * MiB })
  t.same(ranges.at(-1), { offset: 0, length: MiB })
  t.equal(ranges.length, 9)
  const usage = [
    { index: 0, allocatedBytes: 8000 },
    { index: 1, allocatedBytes: 9000 },
  ]
  t.match(master.requests.at(-1)?.operation, { $case: 'written', value: { usage } })
})
