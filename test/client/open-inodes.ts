import t from 'tap'
import { LeasefsError } from '../../src/base/errors.js'
import { closeDelayMs, closeRetryMs, closesWaitingMax } from '../../src/client/limits.js'
import { closesAtOnceMax } from '../../src/constants.js'
import type { Ino } from '../../src/wire/ids.js'
import { filesOf, startInodes } from './harness/inodes.js'
import { attributesResult } from './harness/master.js'

const file = 10 as Ino

t.test('an inode is open once at the master, from the first handle to the last', async t => {
  const { inodes, run, asked, master } = await startInodes(t)
  const first = (await run(inodes.open(file))).inode
  const second = (await run(inodes.open(file))).inode
  t.equal(first, second)
  t.same(asked(), ['open'])
  inodes.release(first)
  await master.settle()
  t.same(asked(), [])
  inodes.release(second)
  await master.settle(closeDelayMs)
  t.same(asked(), ['close'])
  t.equal(inodes.get(file), undefined)
  await run(inodes.open(file))
  t.same(asked(), ['open'])
})

t.test('what is opened again soon has not been closed', async t => {
  const { inodes, run, asked, master } = await startInodes(t)
  inodes.release((await run(inodes.open(file))).inode)
  await master.settle(closeDelayMs - 1)
  const { inode, attributes } = await run(inodes.open(file))
  t.equal(attributes.ino, file)
  await master.settle(closeDelayMs)
  t.same(asked(), ['open'])
  inodes.release(inode)
  await master.settle(closeDelayMs)
  t.same(asked(), ['close'])
})

t.test('what is still open at the master is closed in the end, whatever became known of it meanwhile', async t => {
  const { inodes, run, asked, master } = await startInodes(t)
  inodes.release((await run(inodes.open(file))).inode)
  inodes.invalidated(file)
  await run(inodes.using(file, async () => {}))
  await master.settle(closeDelayMs)
  t.same(asked(), ['open', 'close'])
})

t.test('a close that the master cannot journal now is asked for again, unless the inode is in use', async t => {
  const { inodes, run, asked, master } = await startInodes(t)
  const answer = master.answer
  let full = true
  const refuse = new LeasefsError('NO_SPACE', 'full')
  master.answer = operation => (operation.$case === 'close' && full ? refuse : answer(operation))
  inodes.release((await run(inodes.open(file))).inode)
  await master.settle(closeDelayMs)
  await master.settle(closeRetryMs)
  t.same(asked(), ['open', 'close', 'close'])
  const { inode } = await run(inodes.open(file))
  await master.settle(closeRetryMs)
  t.same(asked(), [], 'it is in use again, and still open')
  full = false
  inodes.release(inode)
  await master.settle(closeDelayMs)
  await master.settle(closeRetryMs)
  t.same(asked(), ['close'])
})

t.test('creates wait when they have held up too many closes', async t => {
  const { inodes, run, asked, master, metadata } = await startInodes(t)
  const create = (name: string) =>
    inodes.create(() =>
      metadata.make(1 as Ino, Buffer.from(name), 'file', { mode: 0, uid: 0, gid: 0 }, { exclusive: true, open: true }),
    )
  const answer = master.answer
  master.answer = operation => (operation.$case === 'make' ? 'later' : answer(operation))
  const first = create('first')
  await master.settle()
  for (let n = 0; n < closesWaitingMax; n++) inodes.abandonedOpen((1000 + n) as Ino)
  const second = create('second')
  await master.settle(closeDelayMs)
  t.same(asked(), ['make'], 'nothing is closed while something is made, and no more is made')
  master.reply(1, attributesResult(99))
  await run(first)
  await master.settle()
  master.answer = answer
  const closes = closesWaitingMax / closesAtOnceMax
  t.same(asked(), [...Array.from({ length: closes }, () => 'close'), 'make'])
  master.reply(2 + closes, attributesResult(98))
  await run(second)
})

t.test('what has no name any more is closed at once', async t => {
  const { inodes, run, asked, master } = await startInodes(t)
  master.answer = () => attributesResult(file, { nlink: 0 })
  inodes.release((await run(inodes.open(file))).inode)
  await master.settle()
  t.same(asked(), ['open', 'close'])
})

t.test('many are closed in one, and no more than the master takes', async t => {
  const { inodes, run, asked, master } = await startInodes(t)
  const open = async (count: number) => {
    const inos = Array.from({ length: count }, (_, i) => (100 + i) as Ino)
    return (await Promise.all(inos.map(ino => run(inodes.open(ino))))).map(({ inode }) => inode)
  }
  for (const inode of await open(10)) inodes.release(inode)
  await master.settle(closeDelayMs)
  t.same(asked().slice(10), ['close'])
  for (const inode of await open(closesAtOnceMax)) inodes.release(inode)
  await master.settle()
  t.same(asked().slice(closesAtOnceMax), ['close'], 'at once, since there are so many')
})

t.test('what a lost session had open is not closed in the next', async t => {
  const { inodes, run, asked, master } = await startInodes(t)
  inodes.release((await run(inodes.open(file))).inode)
  inodes.reset(true)
  await master.settle(closeDelayMs)
  t.same(asked(), ['open'])
})

t.test('an open that fails leaves nothing behind', async t => {
  const { inodes, run, master } = await startInodes(t)
  master.answer = () => new LeasefsError('NOT_FOUND', 'gone')
  await t.rejects(run(inodes.open(file)), { code: 'NOT_FOUND' })
  t.equal(inodes.get(file), undefined)
})

t.test('a close waits for what is being made: it may be the same inode', async t => {
  const { inodes, run, asked, master, metadata } = await startInodes(t)
  const { inode } = await run(inodes.open(file))
  const answer = master.answer
  master.answer = () => 'later'
  const making = inodes.create(() =>
    metadata.make(1 as Ino, Buffer.from('x'), 'file', { mode: 0, uid: 0, gid: 0 }, { exclusive: false, open: true }),
  )
  await master.settle()
  inodes.release(inode)
  await master.settle(closeDelayMs)
  t.same(asked(), ['open', 'make'], 'no close yet')
  master.answer = answer
  master.reply(2, attributesResult(file))
  const made = await run(making)
  t.equal(made.inode.ino, file)
  t.same(asked(), [], 'it was the same inode: it stays open')
  inodes.release(made.inode)
  await master.settle(closeDelayMs)
  t.same(asked(), ['close'])
})

t.test('an inode that nobody has opened is used without opening it', async t => {
  const { inodes, run, asked } = await startInodes(t)
  await run(inodes.using(file, async inode => t.equal(inode.ino, file)))
  t.same(asked(), [])
  t.equal(inodes.get(file), undefined)
})

t.test('what was read is there for the next open, until it is invalidated', async t => {
  const { inodes, run, data } = await startInodes(t, new Map([[file, 1000]]))
  const readOnce = async () => {
    const { inode } = await run(inodes.open(file))
    await run(inode.read({ frontier: 0, window: 0 }, 0, 1000))
    inodes.release(inode)
  }
  await readOnce()
  await readOnce()
  t.equal(data.reads.length, 1)
  inodes.invalidated(file)
  await readOnce()
  t.equal(data.reads.length, 2)
  inodes.reset(false)
  await readOnce()
  t.equal(data.reads.length, 3)
})

t.test(
  'after a time without the master a file that is being written to shows that others may have changed it',
  async t => {
    const { inodes, run, master } = await startInodes(t, new Map([[file, 100]]))
    const { inode, attributes } = await run(inodes.open(file))
    inode.writes.write(0, Buffer.from('x'))
    const shown = () => inode.writes.view(attributes).mtime
    const before = shown()
    await master.settle(5)
    t.same(shown(), before)
    inodes.reset(false)
    t.notSame(shown(), before)
  },
)

t.test('with a new session what is open is opened again; what is gone is an error from then on', async t => {
  const { inodes, run, asked, master } = await startInodes(t)
  const kept = (await run(inodes.open(file))).inode
  const gone = (await run(inodes.open(11 as Ino))).inode
  asked()
  const answer = filesOf(new Map())
  master.answer = operation =>
    operation.$case === 'open' && operation.value.ino === 11 ? new LeasefsError('NOT_FOUND', 'gone') : answer(operation)
  inodes.reset(true)
  await master.settle()
  t.same(asked(), ['open', 'open'])
  t.doesNotThrow(() => kept.check())
  t.throws(() => gone.check(), { code: 'IO' })
  await t.rejects(run(inodes.open(11 as Ino)), { code: 'IO' })
})

t.test('bytes beyond the end that were not reported in the session that was lost are an error', async t => {
  const { inodes, run } = await startInodes(t, new Map([[file, 100]]))
  const { inode } = await run(inodes.open(file))
  await run(inode.write(100, Buffer.from('x')))
  inodes.reset(true)
  await t.rejects(run(inode.writes.flush()), { code: 'IO' })
  await run(inode.write(101, Buffer.from('x')))
  await t.resolves(run(inode.writes.flush()))
})

t.test('dirty bytes of an inode nobody has open any more get one more try', async t => {
  const { inodes, run, asked, streams, master } = await startInodes(t)
  const { inode } = await run(inodes.open(file))
  inode.writes.write(0, Buffer.from('abc'))
  inodes.release(inode)
  await master.settle()
  await master.settle(closeDelayMs)
  t.equal(streams.writes.length, 1)
  t.same(asked(), ['open', 'written', 'close'])
})

t.test('an inode opened for someone who has gone is closed, unless others have it open', async t => {
  const { inodes, run, asked, master } = await startInodes(t)
  inodes.abandonedOpen(file)
  await master.settle(closeDelayMs)
  t.same(asked(), ['close'])
  const { inode } = await run(inodes.open(file))
  asked()
  inodes.abandonedOpen(file)
  await master.settle(closeDelayMs)
  t.same(asked(), [])
  inodes.release(inode)
  await master.settle(closeDelayMs)
  t.same(asked(), ['close'], 'with the last')
})
