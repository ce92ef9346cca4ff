import t from 'tap'
import { deferred } from '../../src/base/deferred.js'
import { LeasefsError } from '../../src/base/errors.js'
import { answersMax, type Committed, queuedMax } from '../../src/master/executor.js'
import { MemoryJournal } from '../../src/master/journal/memory-journal.js'
import { checkOf } from '../../src/master/ops/check.js'
import { answer, doneResult } from '../../src/master/ops/operation.js'
import { MemoryStore } from '../../src/master/state/memory-store.js'
import { make } from './harness/client.js'
import { Namespace, root } from './harness/namespace.js'

/** A journal whose calls can be made to fail. */
class FaultyJournal extends MemoryJournal {
  appends = 0
  failure: LeasefsError | undefined
  syncing: () => Promise<void> = () => Promise.resolve()

  override append(payloads: readonly Buffer[]): void {
    if (this.failure) throw this.failure
    this.appends++
    super.append(payloads)
  }

  override sync(): Promise<void> {
    return this.syncing()
  }
}

/** A store whose next commit fails after everything in it was done. */
class FaultyStore extends MemoryStore {
  failCommit = false

  override transaction<T>(run: () => T): T {
    return super.transaction(() => {
      const result = run()
      if (this.failCommit) throw new LeasefsError('NO_SPACE', 'no room to commit')
      return result
    })
  }
}

function makeCheck(name: string) {
  const check = checkOf(make(root, name))
  if (!check) throw new Error('make changes something')
  return check
}

t.test('everything queued is one transaction and one append', async t => {
  const journal = new FaultyJournal()
  const fs = await Namespace.open({ journal })
  const before = journal.appends
  await Promise.all(Array.from({ length: 100 }, (_, n) => fs.make(root, `file ${n}`)))
  t.equal(journal.appends, before + 1)
  t.equal(fs.names(root).length, 100)
})

t.test('a check sees the changes before it in the same batch', async t => {
  const fs = await Namespace.open()
  const results = await Promise.allSettled([
    fs.make(root, 'a'),
    fs.make(root, 'a'),
    fs.unlink(root, 'a'),
    fs.make(root, 'a'),
  ])
  t.same(
    results.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled', 'fulfilled'],
  )
  t.match(results[1], { reason: { code: 'ALREADY_EXISTS' } })
})

t.test('a change that is refused journals nothing', async t => {
  const fs = await Namespace.open()
  const { lastIndex } = fs.journal
  await t.rejects(fs.unlink(root, 'a'), { code: 'NOT_FOUND' })
  t.equal(fs.journal.lastIndex, lastIndex)
})

t.test('a batch the journal does not take is taken back whole, and changes go on when it does again', async t => {
  const journal = new FaultyJournal()
  const fs = await Namespace.open({ journal })
  const before = fs.dump()
  journal.failure = new LeasefsError('NO_SPACE', 'full')
  const results = await Promise.allSettled([fs.make(root, 'a'), fs.make(root, 'a'), fs.make(root, 'b')])
  for (const result of results) t.match(result, { status: 'rejected', reason: { code: 'NO_SPACE' } })
  t.same(fs.dump(), before)
  t.equal(fs.read({ $case: 'getAttributes', value: { ino: root } }).failure, undefined, 'reading goes on')

  journal.failure = undefined
  t.equal((await fs.make(root, 'a')).ino, 2, 'the number that was given back')
})

t.test('what is journaled but could not be committed is in the state before the next change', async t => {
  const store = new FaultyStore()
  const told: number[] = []
  const committed = (change: Committed) => {
    if (change.kind === 'applied') told.push(...change.outcome.touched)
    return undefined
  }
  const fs = await Namespace.open({ store, committed })
  told.length = 0
  store.failCommit = true
  await t.rejects(fs.make(root, 'a'), { code: 'TIMEOUT' }, 'it may or may not have been done')
  await t.rejects(fs.make(root, 'b'), { code: 'NO_SPACE' }, 'as long as the state cannot catch up, nothing is done')
  t.same(fs.names(root), [])
  fs.executor.mend()
  t.match(fs.executor.trouble, { code: 'NO_SPACE' })
  store.failCommit = false
  await fs.make(root, 'c')
  t.same(fs.names(root), ['a', 'c'])
  t.same(told, [root, root], 'others are told of both')
  t.equal(fs.executor.trouble, undefined)
  t.equal(fs.state.meta.current.appliedIndex, fs.journal.lastIndex)
})

t.test('what could not be committed is in the state when the disk is well again, also without a change', async t => {
  const store = new FaultyStore()
  const fs = await Namespace.open({ store })
  store.failCommit = true
  await t.rejects(fs.make(root, 'a'), { code: 'TIMEOUT' })
  store.failCommit = false
  fs.executor.mend()
  t.same(fs.names(root), ['a'])
  t.equal(fs.executor.trouble, undefined)
})

t.test('while the disk takes no records files can be opened, and stay when they are removed afterwards', async t => {
  const journal = new FaultyJournal()
  const fs = await Namespace.open({ journal })
  const { ino } = await fs.make(root, 'a')
  const other = await fs.startSession()
  journal.failure = new LeasefsError('NO_SPACE', 'full')
  const open = (number: number, target = ino) => {
    const check = checkOf({ $case: 'open', value: { ino: target } })
    return check && fs.executor.submit(check, { sessionId: other, number, answeredThrough: 0 }, true)
  }
  t.match(await open(1), { kind: 'unchanged', result: { value: { ino } } })
  await t.rejects(Promise.resolve(open(2, 99)), { code: 'NOT_FOUND' })
  await t.rejects(fs.change({ $case: 'close', value: { inos: [ino] } }, other), { code: 'NO_SPACE' })
  t.equal(fs.state.opens.isOpen(ino), false)

  journal.failure = undefined
  await fs.unlink(root, 'a')
  t.equal(fs.state.inodes.find(ino)?.attributes.nlink, 0, 'the open came first')
  t.match(await open(1), { kind: 'repeated' })
  await fs.endSession(other)
  t.equal(fs.state.inodes.find(ino), undefined)
})

t.test('what is owed to the journal is paid when the disk is well again', async t => {
  const journal = new FaultyJournal()
  const fs = await Namespace.open({ journal })
  const { ino } = await fs.make(root, 'a')
  journal.failure = new LeasefsError('NO_SPACE', 'full')
  const check = checkOf({ $case: 'open', value: { ino } })
  if (check) await fs.executor.submit(check, { sessionId: 1, number: 50, answeredThrough: 49 }, true)
  journal.failure = undefined
  fs.executor.mend()
  await new Promise(setImmediate)
  await new Promise(setImmediate)
  t.ok(fs.state.opens.has(1, ino))
})

t.test('without room for it nothing is made, and what was begun is ended', async t => {
  let full: LeasefsError | undefined
  const fs = await Namespace.open({ noGrowth: () => full })
  const { ino } = await fs.make(root, 'a', { open: true })
  full = new LeasefsError('NO_SPACE', 'nearly full')
  await t.rejects(fs.make(root, 'b'), { code: 'NO_SPACE' })
  await t.rejects(fs.change({ $case: 'link', value: { ino, parent: root, name: Buffer.from('c') } }), {
    code: 'NO_SPACE',
  })
  await fs.change({ $case: 'written', value: { ino, size: 5, mtime: undefined, usage: [] } })
  await fs.change({ $case: 'close', value: { inos: [ino] } })
  await fs.setAttributes(ino, { mode: 0o600 })
  await fs.unlink(root, 'a')
  await fs.endSession(await fs.startSession())
  full = undefined
  await fs.make(root, 'b')
})

t.test('a change is answered once it has been told to the others', async t => {
  const told = deferred<void>()
  const seen: string[] = []
  const fs = await Namespace.open({
    committed: (committed, origin) => {
      if (!origin || committed.kind !== 'applied') return undefined
      seen.push(...committed.outcome.touched.map(String))
      return told.promise
    },
  })
  let answered = false
  const made = fs.make(root, 'a').then(() => {
    answered = true
  })
  await fs.clock.advance(0)
  t.same([seen, answered, fs.names(root)], [[String(root)], false, ['a']], 'done and told, but not answered')
  told.resolve()
  await made
})

t.test('with durability disk an answer waits for the disk', async t => {
  const journal = new FaultyJournal()
  const fs = await Namespace.open({ journal, durability: 'disk' })
  const synced = deferred<void>()
  journal.syncing = () => synced.promise
  let answered = false
  const made = fs.make(root, 'a').then(() => {
    answered = true
  })
  await fs.clock.advance(0)
  t.notOk(answered)
  synced.resolve()
  await made

  journal.syncing = () => Promise.reject(new LeasefsError('IO', 'the disk'))
  await t.rejects(fs.make(root, 'b'), { code: 'IO' })
})

t.test('the same request has the same answer, and one effect', async t => {
  const fs = await Namespace.open()
  const origin = { sessionId: fs.session, number: 7, answeredThrough: 0 }
  const first = await fs.submit(makeCheck('a'), origin)
  const { lastIndex } = fs.journal
  const second = await fs.submit(makeCheck('a'), origin)
  t.equal(second.kind, 'repeated')
  t.match(first.kind === 'applied' && first.outcome.result, second.kind === 'repeated' ? second.reply.result : {})
  t.equal(fs.journal.lastIndex, lastIndex)

  await fs.submit(makeCheck('b'), { ...origin, number: 8, answeredThrough: 7 })
  t.equal(fs.state.answers.find(fs.session, 7), undefined, 'what has arrived is forgotten')
})

t.test('a session that acknowledges nothing is stopped at a number of answers', async t => {
  const fs = await Namespace.open()
  const origin = (number: number) => ({ sessionId: fs.session, number, answeredThrough: 0 })
  const touch = checkOf({
    $case: 'written',
    value: { ino: (await fs.make(root, 'a')).ino, size: 1, mtime: undefined, usage: [] },
  })
  if (!touch) return t.fail()
  const calls = Array.from({ length: answersMax - 1 }, (_, at) => fs.submit(touch, origin(at + 2)))
  await Promise.all(calls)
  await t.rejects(fs.submit(touch, origin(answersMax + 1)), { code: 'UNAVAILABLE' })
  await t.resolves(fs.submit(touch, { ...origin(answersMax + 1), answeredThrough: 10 }).catch(() => {}))
})

t.test('a change of a session that has ended is refused', async t => {
  const fs = await Namespace.open()
  await fs.endSession(fs.session)
  await t.rejects(fs.make(root, 'a'), { code: 'SESSION_LOST' })
})

t.test('only so much is queued', async t => {
  const fs = await Namespace.open()
  const nothing = () => answer(doneResult)
  const calls = Array.from({ length: queuedMax }, () => fs.submit(nothing))
  await t.rejects(fs.submit(nothing), { code: 'UNAVAILABLE' })
  await Promise.all(calls)
  await t.resolves(fs.submit(nothing))
})

t.test('closing carries out what is queued, and refuses what comes after', async t => {
  const fs = await Namespace.open()
  const made = fs.make(root, 'a')
  const closed = fs.executor.close()
  await t.rejects(fs.make(root, 'b'), { code: 'UNAVAILABLE' })
  await Promise.all([made, closed])
  t.same(fs.names(root), ['a'])
  await fs.executor.close()
})
