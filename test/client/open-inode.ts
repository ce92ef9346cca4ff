import t from 'tap'
import { MiB } from '../../src/base/units.js'
import { newReader } from '../../src/client/read-ahead.js'
import { chunkSize } from '../../src/constants.js'
import type { Ino } from '../../src/wire/ids.js'
import { startInodes } from './harness/inodes.js'
import { attributesResult, stateOf } from './harness/master.js'

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

/** A file of 100 bytes, of which the replicas have 500. */
async function openWithTail(t: Parameters<typeof startInodes>[0]) {
  const parts = await open(t, 100)
  parts.tails.lengths.set(0, 500)
  parts.asked()
  const cuts = () =>
    parts.streams.commits.flatMap(({ commit }) =>
      commit.mutations.flatMap(({ kind }) => (kind?.$case === 'truncate' ? [kind.value] : [])),
    )
  return { ...parts, cuts }
}

t.test('before the first growth that leaves a gap the end of the file is cleared, once', async t => {
  const cut = { length: 100, afterLeaseId: 1, afterSerial: 5 }
  const byWriting = await openWithTail(t)
  await byWriting.run(byWriting.inode.write(200, Buffer.from('x')))
  t.same(byWriting.cuts(), [cut])
  await byWriting.run(byWriting.inode.write(300, Buffer.from('x')))
  await byWriting.run(byWriting.inode.truncate({ size: 1000 }))
  t.same(byWriting.tails.asked, ['length', 'order'])

  const byGrowing = await openWithTail(t)
  await byGrowing.run(byGrowing.inode.truncate({ size: 200 }))
  t.same(byGrowing.cuts(), [cut])
  t.same(byGrowing.asked(), ['getAttributes', 'setAttributes'])

  const byAllocating = await openWithTail(t)
  await byAllocating.run(byAllocating.inode.allocate({ start: 150, end: 200 }))
  t.same(byAllocating.cuts(), [cut])
})

t.test('what goes on where the file ends, or is within it, asks no one', async t => {
  const { inode, run, tails, asked, clock } = await openWithTail(t)
  for (const offset of [100, 110, 50, 120]) await run(inode.write(offset, Buffer.alloc(10)))
  await run(inode.writes.flush())
  await clock.advance(60_000)
  asked()
  await run(inode.write(130, Buffer.alloc(10)))
  t.same(asked(), [], 'nor does it ask the master')
  await run(inode.append(Buffer.alloc(10), () => {}))
  await run(inode.truncate({ size: 90 }))
  await run(inode.allocate({ start: 0, end: 90 }))
  t.same(tails.asked, [])
})

t.test('own writes are told to the master before what lies beyond them is cut', async t => {
  const { inode, run, cuts } = await openWithTail(t)
  await run(inode.write(100, Buffer.alloc(50)))
  await run(inode.write(400, Buffer.alloc(50)))
  t.match(cuts(), [{ length: 150 }])
})

t.test('a file that was made here has nothing beyond its end', async t => {
  const { inodes, metadata, run, tails } = await startInodes(t)
  const owner = { mode: 0o644, uid: 0, gid: 0 }
  const { inode } = await run(
    inodes.create(() => metadata.make(1 as Ino, Buffer.from('new'), 'file', owner, { exclusive: false, open: true })),
  )
  await run(inode.write(0, Buffer.alloc(10)))
  await run(inode.write(1000, Buffer.alloc(10)))
  await run(inode.truncate({ size: 5000 }))
  t.same(tails.asked, [])
})

t.test('while another may be at work there it is looked at each time; so it is after a close', async t => {
  const { inode, run, tails, master, cuts, inodes } = await openWithTail(t)
  const answer = master.answer
  master.answer = operation => {
    const result = answer(operation)
    const opens = operation.$case === 'getAttributes' && operation.value.opens
    if (!opens || result === 'later' || result instanceof Error || result.$case !== 'attributes') return result
    return { ...result, value: { ...result.value, openElsewhere: true } }
  }
  await run(inode.write(200, Buffer.from('x')))
  await run(inode.write(300, Buffer.from('x')))
  t.same(tails.asked, ['length', 'order', 'length', 'order'])
  t.same(cuts(), [])

  tails.asked.length = 0
  inodes.release(inode)
  await master.settle(1000)
  await run(inodes.using(file, async one => one.truncate({ size: 5000 })))
  await run(inodes.using(file, async one => one.truncate({ size: 6000 })))
  t.same(tails.asked, ['length', 'order', 'length'], 'what is not open is looked at each time')
})

t.test('with a new session nobody writes before the inode is open in it', async t => {
  const { inode, run, master } = await open(t, 100)
  const answer = master.answer
  master.answer = operation => (operation.$case === 'open' ? 'later' : answer(operation))
  const reopening = inode.reopen()
  const writing = inode.write(0, Buffer.from('x'))
  await master.settle()
  t.equal(await stateOf(writing), 'pending')
  master.reply(master.requests.at(-1)?.number ?? 0, attributesResult(file, { size: 100 }))
  await run(Promise.all([reopening, writing]))
  t.ok(inode.writes.touches({ start: 0, end: 1 }))
})
