import t from 'tap'
import { sessionMs, trashIno } from '../../../src/constants.js'
import { sessionsMax } from '../../../src/master/clients/limits.js'
import { MemoryJournal } from '../../../src/master/journal/memory-journal.js'
import { decodeRecord } from '../../../src/master/ops/apply.js'
import { MemoryStore } from '../../../src/master/state/memory-store.js'
import { FileType } from '../../../src/wire/gen/common.js'
import { chmod, leaseMs, lookup, make, TestMaster, unlink } from '../harness/client.js'
import { root } from '../harness/namespace.js'

t.test('a change waits until a session that had it cached has dropped it', async t => {
  const master = await TestMaster.start(t)
  const [a, b] = [await master.connect(), await master.connect()]
  const file = await a.make(root, 'file')
  await b.call(lookup(root, 'file'))
  const before = a.invalidates.length

  const number = a.ask(chmod(file.ino, 0o600))
  await master.settle()
  t.equal(a.reply(number), undefined, 'not answered yet')
  t.match(b.invalidates, [{ inos: [file.ino] }])
  b.acknowledge(b.invalidates[0]?.number ?? 0)
  await master.settle()
  t.match(a.reply(number), { result: { value: { mode: 0o600 } } })
  t.equal(a.invalidates.length, before, 'who changes is not told')

  t.match(await a.call(chmod(file.ino, 0o644)), { result: { value: { mode: 0o644 } } }, 'b has nothing cached now')
  t.equal(b.invalidates.length, 1)
})

t.test('a session that does not answer is waited for until its lease ends', async t => {
  const master = await TestMaster.start(t)
  const [a, b] = [await master.connect(), await master.connect()]
  const file = await a.make(root, 'file')
  await b.call(lookup(root, 'file'))
  b.ping(1)
  await master.settle()
  t.same(b.pongs, [1])

  const number = a.ask(chmod(file.ino, 0o600))
  await master.advance(leaseMs - 1)
  t.equal(a.reply(number), undefined)
  await master.advance(1)
  t.ok(a.reply(number))
})

t.test('a ping is answered when every Invalidate before it is, so the wait is bounded', async t => {
  const master = await TestMaster.start(t)
  const [a, b] = [await master.connect(), await master.connect()]
  const file = await a.make(root, 'file')
  await b.call(lookup(root, 'file'))
  const number = a.ask(chmod(file.ino, 0o600))
  await master.advance(leaseMs / 2)
  b.ping(1)
  await master.settle()
  t.same(b.pongs, [], 'the lease is not renewed meanwhile')
  await master.advance(leaseMs / 2)
  t.ok(a.reply(number))
  t.same(b.pongs, [1], 'the Invalidate went before it on the stream')
})

t.test('a name that was not there is cached too', async t => {
  const master = await TestMaster.start(t)
  const [a, b] = [await master.connect(), await master.connect()]
  t.match(await b.call(lookup(root, 'file')), { failure: { code: 'NOT_FOUND' } })
  a.ask(make(root, 'file'))
  await master.settle()
  t.match(b.invalidates, [{ inos: [root] }])
})

t.test('a listing is cached with everything in it', async t => {
  const master = await TestMaster.start(t)
  const [a, b] = [await master.connect(), await master.connect()]
  const d = await a.make(root, 'd', FileType.DIRECTORY)
  const file = await a.make(d.ino, 'file')
  const page = await b.call({ $case: 'readDirectory', value: { ino: d.ino, after: Buffer.alloc(0), countMax: 10 } })
  t.match(page, { result: { value: { entries: [{ name: Buffer.from('file') }], more: false, parent: root } } })
  a.ask(chmod(file.ino, 0o600))
  await master.settle()
  t.match(b.invalidates, [{ inos: [file.ino] }])
  b.acknowledge(1)
  a.ask(unlink(d.ino, 'file'))
  await master.settle()
  t.match(b.invalidates.slice(1), [{ inos: [d.ino] }])
})

t.test('two that change what both have cached do not wait for one another for ever', async t => {
  const master = await TestMaster.start(t)
  const clients = [await master.connect(), await master.connect()]
  const [a, b] = clients
  if (!a || !b) return t.fail()
  const file = await a.make(root, 'file')
  for (const client of clients) await client.call(lookup(root, 'file'))
  const answers = [a.ask(chmod(file.ino, 0o600)), b.ask(chmod(file.ino, 0o640))]
  for (let round = 0; round < 6; round++) {
    await master.settle()
    for (const client of clients) for (const { number } of client.invalidates) client.acknowledge(number)
  }
  t.ok(a.reply(answers[0] ?? 0), 'the first')
  t.match(b.reply(answers[1] ?? 0), { result: { value: { mode: 0o640 } } }, 'the second')
})

t.test('an Invalidate does not overtake the answer that it takes back', async t => {
  const master = await TestMaster.start(t)
  const [a, b, c] = [await master.connect(), await master.connect(), await master.connect()]
  await c.call(lookup(root, 'file'))
  const making = a.ask(make(root, 'file'))
  await master.settle()
  const [first] = c.invalidates
  t.equal(a.reply(making), undefined, 'c has the directory cached and does not answer')

  const removing = b.ask(unlink(root, 'file'))
  await master.settle()
  t.same(a.invalidates, [], 'a must first hear that it made the file')
  t.equal(b.reply(removing), undefined)
  c.acknowledge(first?.number ?? 0)
  await master.settle()
  t.same(
    a.received.slice(-2).map(({ $case }) => $case),
    ['reply', 'invalidate'],
  )
  for (const { number } of a.invalidates) a.acknowledge(number)
  await master.settle()
  t.ok(b.reply(removing))
})

t.test('an answer carries the attributes of the moment it is sent', async t => {
  const master = await TestMaster.start(t)
  const [a, b, c] = [await master.connect(), await master.connect(), await master.connect()]
  const file = await a.make(root, 'file')
  await c.call(lookup(root, 'file'))
  const first = a.ask(chmod(file.ino, 0o600))
  await master.settle()
  const second = b.ask(chmod(file.ino, 0o640))
  await master.settle()
  for (const { number } of c.invalidates) c.acknowledge(number)
  await master.settle()
  t.match(a.reply(first), { result: { value: { mode: 0o640 } } })
  t.equal(b.reply(second), undefined, 'a has been told, and must answer')
  for (const { number } of a.invalidates) a.acknowledge(number)
  await master.settle()
  t.ok(b.reply(second))
})

t.test('what the chunk half takes back is taken back from every session', async t => {
  const master = await TestMaster.start(t)
  const [a, b] = [await master.connect(), await master.connect()]
  const file = await a.make(root, 'file')
  await b.call(lookup(root, 'file'))
  let done = false
  const invalidated = master.sessions.invalidate(file.ino as never).then(() => {
    done = true
  })
  await master.settle()
  t.same([a.invalidates.length, b.invalidates.length, done], [1, 1, false])
  for (const client of [a, b]) for (const { number } of client.invalidates) client.acknowledge(number)
  await invalidated
  await t.resolves(master.sessions.invalidate(999 as never), 'no one has it')
})

t.test('who has looked into the trash hears of what comes there, also if it put it there', async t => {
  const master = await TestMaster.start(t, { trash: true })
  const [a, b] = [await master.connect(), await master.connect()]
  const look = { $case: 'readDirectory', value: { ino: trashIno, after: Buffer.alloc(0), countMax: 0 } } as const
  for (const name of ['x', 'y']) {
    const { ino } = await a.make(root, name)
    await a.call({ $case: 'written', value: { ino, size: 5, mtime: undefined, usage: [] } })
  }
  await a.call(look)
  await b.call(look)
  const number = a.ask(unlink(root, 'x'))
  await master.settle()
  t.match(a.invalidates.at(-1)?.inos, [trashIno], 'a directory for the owner is new')
  t.match(b.invalidates.at(-1)?.inos, [trashIno])
  t.equal(a.reply(number), undefined, 'the other is waited for')
  b.acknowledge(b.invalidates.at(-1)?.number ?? 0)
  await master.settle()
  t.match(a.reply(number), { result: { $case: 'done' } }, 'it itself is not')
  const told = [a.invalidates.length, b.invalidates.length]
  await a.call(unlink(root, 'y'))
  t.same([a.invalidates.length, b.invalidates.length], told, 'who has not looked since is left alone')
})

t.test('a session ends some time after its stream, and lets go of what it had open', async t => {
  const master = await TestMaster.start(t)
  const [a, b] = [await master.connect(), await master.connect()]
  const file = await a.make(root, 'file')
  await a.call({ $case: 'open', value: { ino: file.ino } })
  b.ask(unlink(root, 'file'))
  await master.settle()
  t.equal(master.namespace.stat(file.ino).nlink, 0)

  a.stream.close()
  await master.advance(sessionMs - 1)
  t.ok(master.namespace.state.inodes.find(file.ino), 'it may still come back')
  await master.advance(2)
  t.notOk(master.namespace.state.inodes.find(file.ino))
  const late = await master.connect({ sessionId: a.sessionId })
  t.match(late.welcome, { failure: { code: 'SESSION_LOST' } })
  t.match(late.closed, { code: 'SESSION_LOST' })
  t.equal(master.sessions.count, 1, 'b')
})

t.test('it ends sooner if the master is told so', async t => {
  const master = await TestMaster.start(t, { sessionMs: 5000 })
  const client = await master.connect()
  client.stream.close()
  await master.advance(4999)
  t.equal(master.sessions.count, 1)
  await master.advance(2)
  t.equal(master.sessions.count, 0)
})

t.test('it is journaled whether a session has expired', async t => {
  const journal = new MemoryJournal()
  const master = await TestMaster.start(t, { journal })
  const [a, b] = [await master.connect(), await master.connect()]
  a.stream.close()
  b.send({ $case: 'goodbye', value: {} })
  await master.advance(sessionMs)
  const ends = [...journal.read(1)].flatMap(({ index, payload }) => {
    const { effect } = decodeRecord(index, payload)
    return effect?.$case === 'sessionEnded' ? [effect.value] : []
  })
  t.same(ends, [
    { sessionId: b.sessionId, expired: false },
    { sessionId: a.sessionId, expired: true },
  ])
})

t.test('goodbye ends a session at once', async t => {
  const master = await TestMaster.start(t)
  const [a, b] = [await master.connect(), await master.connect()]
  const file = await a.make(root, 'file')
  await b.call(lookup(root, 'file'))
  b.send({ $case: 'goodbye', value: {} })
  await master.settle()
  t.ok(b.closed)
  t.equal(master.namespace.state.sessions.find(b.sessionId), undefined)
  t.ok(await a.call(chmod(file.ino, 0o600)), 'nothing is waited for')
})

t.test('a stream that comes back goes on with its session, and with nothing cached', async t => {
  const master = await TestMaster.start(t)
  const [a, b] = [await master.connect(), await master.connect()]
  const file = await a.make(root, 'file')
  await b.call(lookup(root, 'file'))
  const waiting = a.ask(chmod(file.ino, 0o600))
  await master.settle()
  t.equal(a.reply(waiting), undefined)

  const again = await master.connect({ sessionId: b.sessionId })
  t.match(again.welcome, { sessionId: b.sessionId, resumed: true })
  t.match(b.closed, { code: 'CANCELLED' }, 'the older stream is closed')
  t.ok(a.reply(waiting), 'it has dropped its caches before it said hello')
  await master.advance(sessionMs * 2)
  t.equal((await again.call(lookup(root, 'file'))).failure, undefined, 'the session lives')
})

t.test('a request that is sent again takes effect once', async t => {
  const master = await TestMaster.start(t)
  const a = await master.connect()
  const number = a.ask(make(root, 'file'))
  await master.settle()
  const first = a.reply(number)
  const again = await master.connect({ sessionId: a.sessionId })
  again.ask(make(root, 'file'), number)
  await master.settle()
  t.same(again.reply(number), { ...first, changed: [] })
  t.match(again.invalidates, [{ inos: [root, 2] }], 'what it says may be long past')

  again.ask(make(root, 'other'), number + 1, number)
  await master.settle()
  again.ask(make(root, 'file'), number)
  await master.settle()
  t.match(again.reply(number), { failure: { code: 'INVALID_ARGUMENT' } }, 'an acknowledged answer is forgotten')
})

t.test('an answer that was not ready when the stream was lost comes on the next one', async t => {
  const master = await TestMaster.start(t)
  const [a, b] = [await master.connect(), await master.connect()]
  const file = await a.make(root, 'file')
  await b.call(lookup(root, 'file'))
  const number = a.ask(chmod(file.ino, 0o600))
  await master.settle()
  a.stream.close()
  const again = await master.connect({ sessionId: a.sessionId })
  again.ask(chmod(file.ino, 0o600), number)
  await master.settle()
  t.equal(again.reply(number), undefined, 'the first is still under way')
  b.acknowledge(b.invalidates[0]?.number ?? 0)
  await master.settle()
  t.match(again.reply(number), { result: { value: { mode: 0o600 } } })
})

t.test('after a restart every change waits for the leases from before', async t => {
  const [store, journal] = [new MemoryStore(), new MemoryJournal()]
  const before = await TestMaster.start(t, { store, journal })
  const [a, b] = [await before.connect(), await before.connect()]
  const file = await a.make(root, 'file')
  await b.call(lookup(root, 'file'))
  const number = a.ask(chmod(file.ino, 0o600))
  await before.settle()
  t.equal(a.reply(number), undefined)

  const after = await TestMaster.start(t, { store, journal })
  const again = await after.connect({ sessionId: a.sessionId })
  t.match(again.welcome, { resumed: true })
  again.ask(chmod(file.ino, 0o600), number)
  const other = again.ask(make(root, 'other'), number + 1)
  await after.advance(leaseMs / 2)
  t.same([again.reply(number), again.reply(other)], [undefined, undefined])
  await after.advance(leaseMs / 2)
  t.match([again.reply(number), again.reply(other)], [{ result: { value: { mode: 0o600 } } }, { result: {} }])
  t.ok(await again.call(chmod(file.ino, 0o644)), 'then no longer')
})

t.test('after a restart a session that has come back is not waited for', async t => {
  const [store, journal] = [new MemoryStore(), new MemoryJournal()]
  const before = await TestMaster.start(t, { store, journal })
  const [a, b] = [await before.connect(), await before.connect()]
  before.sessions.close()
  const after = await TestMaster.start(t, { store, journal })
  await after.connect({ sessionId: b.sessionId })
  const a2 = await after.connect({ sessionId: a.sessionId })
  t.ok(await a2.call(make(root, 'file')))
})

t.test('only so many clients are let in', async t => {
  const { sessions, namespace } = await TestMaster.start(t)
  const begun = await sessions.begin('x'.repeat(1000))
  t.equal(namespace.state.sessions.find(begun.id)?.description.length, 256, 'a description is cut')
  await Promise.all(Array.from({ length: sessionsMax - 1 }, () => sessions.begin('')))
  await t.rejects(sessions.begin(''), { code: 'UNAVAILABLE' })
  t.equal(sessions.count, sessionsMax)
  sessions.leave(begun)
  await t.resolves(sessions.begin(''))
})
