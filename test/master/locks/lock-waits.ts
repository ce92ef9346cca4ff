import t from 'tap'
import { MemoryJournal } from '../../../src/master/journal/memory-journal.js'
import { inodeWaitsMax } from '../../../src/master/locks/limits.js'
import { answersWaitingMax } from '../../../src/master/locks/lock-waits.js'
import { MemoryStore } from '../../../src/master/state/memory-store.js'
import { LockKind, LockType } from '../../../src/wire/gen/common.js'
import { chmod, setLock, type TestClient, TestMaster, unlink } from '../harness/client.js'
import { root } from '../harness/namespace.js'

const { SHARED, EXCLUSIVE, UNLOCKED } = LockType
const done = { result: { $case: 'done' }, failure: undefined } as const

function failed(code: string) {
  return { failure: { code }, result: undefined }
}

/** A master with one file, and clients. */
async function start(t: Parameters<typeof TestMaster.start>[0], clients: number) {
  const master = await TestMaster.start(t)
  const all: TestClient[] = []
  for (let n = 0; n < clients; n++) all.push(await master.connect())
  const [a, b, c] = all as [TestClient, TestClient, TestClient]
  const { ino } = await a.make(root, 'file')
  return { master, ino, a, b, c }
}

t.test('a lock excludes another session, until it is given up', async t => {
  const { ino, a, b } = await start(t, 2)
  t.match(await a.call(setLock(ino, 'p', EXCLUSIVE)), done)
  t.match(await b.call(setLock(ino, 'p', SHARED)), failed('WOULD_BLOCK'))
  t.match(await b.call(setLock(ino, 'p', SHARED, { kind: LockKind.FLOCK })), done, 'of another kind')
  t.match(await a.call(setLock(ino, 'p', UNLOCKED)), done)
  t.match(await b.call(setLock(ino, 'p', SHARED)), done)
})

t.test('who waits has the lock when it is given up, in the order they came', async t => {
  const { master, ino, a, b, c } = await start(t, 3)
  await a.call(setLock(ino, 'p', EXCLUSIVE))
  const asked: (() => string | undefined)[] = []
  for (const client of [b, c, b]) {
    const number = client.ask(setLock(ino, `w${asked.length}`, EXCLUSIVE, { wait: true }))
    asked.push(() => client.reply(number)?.result?.$case)
    await master.settle()
  }
  const granted = () => asked.map(reply => reply())
  t.same(granted(), [undefined, undefined, undefined])

  await a.call(setLock(ino, 'p', UNLOCKED))
  t.same(granted(), ['done', undefined, undefined])
  await b.call(setLock(ino, 'w0', UNLOCKED))
  t.same(granted(), ['done', 'done', undefined])
  await c.call(setLock(ino, 'w1', SHARED))
  t.same(granted(), ['done', 'done', undefined], 'a weaker lock is still one')
  await c.call(setLock(ino, 'w1', UNLOCKED))
  t.same(granted(), ['done', 'done', 'done'])
})

t.test('several who can have it together have it together', async t => {
  const { master, ino, a, b, c } = await start(t, 3)
  await a.call(setLock(ino, 'p', EXCLUSIVE, { start: 0, end: 100 }))
  const readers = [b, c].map(client => client.ask(setLock(ino, 'r', SHARED, { wait: true, start: 0, end: 10 })))
  const writer = b.ask(setLock(ino, 'w', EXCLUSIVE, { wait: true, start: 50, end: 60 }))
  await master.settle()
  await a.call(setLock(ino, 'p', UNLOCKED, { start: 0, end: 50 }))
  t.match([b.reply(readers[0] ?? 0), c.reply(readers[1] ?? 0)], [done, done])
  t.equal(b.reply(writer), undefined)
  await a.call(setLock(ino, 'p', SHARED, { start: 50, end: 100 }))
  t.equal(b.reply(writer), undefined)
  await a.call(setLock(ino, 'p', UNLOCKED))
  t.match(b.reply(writer), done)
})

t.test('the end of a session gives up its locks, and its waits', async t => {
  const { master, ino, a, b, c } = await start(t, 3)
  await a.call(setLock(ino, 'p', EXCLUSIVE))
  b.ask(setLock(ino, 'q', EXCLUSIVE, { wait: true }))
  const last = c.ask(setLock(ino, 'r', EXCLUSIVE, { wait: true }))
  await master.settle()
  b.send({ $case: 'goodbye', value: {} })
  await master.settle()
  a.send({ $case: 'goodbye', value: {} })
  await master.settle()
  t.match(c.reply(last), done)
  t.same(
    master.namespace.state.locks.ofInode(ino).map(({ session }) => session),
    [c.sessionId],
  )
})

t.test('a wait is called off', async t => {
  const { master, ino, a, b, c } = await start(t, 3)
  await a.call(setLock(ino, 'p', EXCLUSIVE))
  const number = b.ask(setLock(ino, 'q', EXCLUSIVE, { wait: true }))
  await master.settle()
  t.match(await c.call({ $case: 'cancelWait', value: { number } }), done, 'by another session: nothing')
  t.equal(b.reply(number), undefined)
  t.match(await b.call({ $case: 'cancelWait', value: { number } }), done)
  t.match(b.reply(number), failed('CANCELLED'))
  t.match(await b.call({ $case: 'cancelWait', value: { number } }), done, 'a second time: nothing')
  await a.call(setLock(ino, 'p', UNLOCKED))
  t.match(await c.call(setLock(ino, 'p', EXCLUSIVE)), done, 'nobody else has it')
})

t.test('a wait that is called off on its way to the lock is granted, or not, and says which', async t => {
  const { master, ino, a, b } = await start(t, 2)
  const granted = b.ask(setLock(ino, 'q', EXCLUSIVE, { wait: true }))
  b.ask({ $case: 'cancelWait', value: { number: granted } })
  await master.settle()
  t.match(b.reply(granted), done, 'nothing was in its way')
  await b.call(setLock(ino, 'q', UNLOCKED))

  await a.call(setLock(ino, 'p', EXCLUSIVE))
  const refused = b.ask(setLock(ino, 'q', EXCLUSIVE, { wait: true }))
  b.ask({ $case: 'cancelWait', value: { number: refused } })
  await master.settle()
  t.match(b.reply(refused), failed('CANCELLED'))
})

t.test('a circle of waits is refused, over files and sessions', async t => {
  const { master, ino, a, b } = await start(t, 2)
  const other = await a.make(root, 'other')
  await a.call(setLock(ino, 'p', EXCLUSIVE))
  await b.call(setLock(other.ino, 'q', EXCLUSIVE))
  const waiting = a.ask(setLock(other.ino, 'p', EXCLUSIVE, { wait: true }))
  await master.settle()
  t.match(await b.call(setLock(ino, 'q', SHARED, { wait: true })), failed('DEADLOCK'))
  t.equal(a.reply(waiting), undefined)
  await b.call(setLock(other.ino, 'q', UNLOCKED))
  t.match(a.reply(waiting), done)
})

t.test('of two that close a circle at once, one is refused', async t => {
  const { master, ino, a, b } = await start(t, 2)
  await a.call(setLock(ino, 'p', SHARED))
  await b.call(setLock(ino, 'q', SHARED))
  const upgrades = [a, b].map((client, n) => client.ask(setLock(ino, n === 0 ? 'p' : 'q', EXCLUSIVE, { wait: true })))
  await master.settle()
  t.equal(a.reply(upgrades[0] ?? 0), undefined)
  t.match(b.reply(upgrades[1] ?? 0), failed('DEADLOCK'))
  await b.call(setLock(ino, 'q', UNLOCKED))
  t.match(a.reply(upgrades[0] ?? 0), done)
})

t.test('a flock that cannot be converted is lost, and no circle is looked for', async t => {
  const { master, ino, a, b } = await start(t, 2)
  const flock = { kind: LockKind.FLOCK }
  await a.call(setLock(ino, 'p', SHARED, flock))
  await b.call(setLock(ino, 'q', SHARED, flock))
  const first = a.ask(setLock(ino, 'p', EXCLUSIVE, { ...flock, wait: true }))
  await master.settle()
  t.equal(a.reply(first), undefined)
  t.match(await b.call(setLock(ino, 'q', EXCLUSIVE, flock)), done, 'the first has let go of its own')
  t.equal(a.reply(first), undefined)
  await b.call(setLock(ino, 'q', UNLOCKED, flock))
  t.match(a.reply(first), done)

  await a.call(setLock(ino, 'p', SHARED, flock))
  await b.call(setLock(ino, 'q', SHARED, flock))
  t.match(await a.call(setLock(ino, 'p', EXCLUSIVE, flock)), failed('WOULD_BLOCK'))
  t.match(await b.call(setLock(ino, 'q', EXCLUSIVE, flock)), done, 'as on Linux, a has nothing left')
})

t.test('a client without a stream does not wait; when it is back it asks again', async t => {
  const { master, ino, a, b, c } = await start(t, 3)
  await a.call(setLock(ino, 'p', EXCLUSIVE))
  const operation = setLock(ino, 'q', EXCLUSIVE, { wait: true })
  const number = b.ask(operation)
  await master.settle()
  b.stream.close()
  await master.settle()
  await a.call(setLock(ino, 'p', UNLOCKED))
  t.match(await c.call(setLock(ino, 'p', EXCLUSIVE)), done, 'nobody was waiting')

  const back = await master.connect({ sessionId: b.sessionId })
  back.ask(operation, number)
  await master.settle()
  t.equal(back.reply(number), undefined)
  await c.call(setLock(ino, 'p', UNLOCKED))
  t.match(back.reply(number), done)
})

t.test('what was granted is answered again, and taken once', async t => {
  const { master, ino, a, b } = await start(t, 2)
  await a.call(setLock(ino, 'p', EXCLUSIVE))
  const operation = setLock(ino, 'q', EXCLUSIVE, { wait: true })
  const number = b.ask(operation)
  await master.settle()
  await a.call(setLock(ino, 'p', UNLOCKED))
  await b.call(setLock(ino, 'q', UNLOCKED))
  await a.call(setLock(ino, 'p', EXCLUSIVE))
  b.stream.close()
  const back = await master.connect({ sessionId: b.sessionId })
  back.ask(operation, number)
  await master.settle()
  t.match(back.reply(number), done)
  t.equal(master.namespace.state.locks.ofInode(ino).length, 1, 'only the one of a')
})

t.test('locks outlive the master; waits are asked for again', async t => {
  const [store, journal] = [new MemoryStore(), new MemoryJournal()]
  const first = await TestMaster.start(t, { store, journal })
  const [a, b] = [await first.connect(), await first.connect()]
  const { ino } = await a.make(root, 'file')
  await a.call(setLock(ino, 'p', EXCLUSIVE))
  const operation = setLock(ino, 'q', EXCLUSIVE, { wait: true })
  const number = b.ask(operation)
  await first.settle()

  const second = await TestMaster.start(t, { store, journal })
  const [again, other] = [
    await second.connect({ sessionId: a.sessionId }),
    await second.connect({ sessionId: b.sessionId }),
  ]
  other.ask(operation, number)
  await second.settle()
  t.equal(other.reply(number), undefined)
  again.ask(setLock(ino, 'p', UNLOCKED), 100)
  await second.settle()
  t.match([again.reply(100), other.reply(number)], [done, done])
})

t.test('an inode that goes takes the waits for its locks along', async t => {
  const { master, ino, a, b } = await start(t, 2)
  await a.call(setLock(ino, 'p', EXCLUSIVE))
  const waits = ['q', 'r'].map(owner => b.ask(setLock(ino, owner, EXCLUSIVE, { wait: true })))
  await master.settle()
  await a.call(unlink(root, 'file'))
  for (const number of waits) t.match(b.reply(number), failed('NOT_FOUND'))
})

t.test('a wait does not keep the answers of its session for ever', async t => {
  const { master, ino, a, b } = await start(t, 2)
  await b.call(setLock(ino, 'p', EXCLUSIVE))
  const number = a.ask(setLock(ino, 'q', EXCLUSIVE, { wait: true }))
  await master.settle()
  for (let n = 0; n < answersWaitingMax; n++) {
    a.ask(chmod(ino, n % 0o1000))
    if (n % 1000 === 0) await master.settle()
  }
  await master.settle()
  t.match(a.reply(number), failed('CANCELLED'))
})

t.test('only so many wait for one inode', async t => {
  const { master, ino, a, b } = await start(t, 2)
  await a.call(setLock(ino, 'p', EXCLUSIVE))
  for (let n = 0; n < inodeWaitsMax - 96; n++) b.ask(setLock(ino, `w${n}`, EXCLUSIVE, { wait: true }))
  for (let n = 0; n < 96; n++) a.ask(setLock(ino, `w${n}`, EXCLUSIVE, { wait: true }))
  await master.settle()
  t.match(await a.call(setLock(ino, 'one more', EXCLUSIVE, { wait: true })), failed('NO_LOCKS'))
  await a.call(setLock(ino, 'p', UNLOCKED))
  t.equal(b.received.filter(message => message.$case === 'reply').length, 1, 'one has it')
})

t.test('whose turn it is to append hears when another wants to, and gives it up or closes the file', async t => {
  const { master, ino, a, b, c } = await start(t, 3)
  const turn = (type: LockType) => setLock(ino, '', type, { kind: LockKind.APPEND, wait: true })
  const told = ({ invalidates }: TestClient) => invalidates.filter(({ inos }) => inos.includes(ino)).length
  await a.call({ $case: 'open', value: { ino } })
  t.match(await a.call(turn(EXCLUSIVE)), done)
  t.match(await a.call(turn(EXCLUSIVE)), done, 'it is still its turn')
  t.equal(told(a), 0)

  const waiting = b.ask(turn(EXCLUSIVE))
  await master.settle()
  t.equal(told(a), 1)
  t.equal(b.reply(waiting), undefined)
  for (const { number } of a.invalidates) a.acknowledge(number)
  await a.call({ $case: 'close', value: { inos: [ino] } })
  t.match(b.reply(waiting), done)

  const next = c.ask(turn(EXCLUSIVE))
  await master.settle()
  t.equal(told(b), 1, 'also if it has only just begun')
  for (const { number } of b.invalidates) b.acknowledge(number)
  await b.call(turn(UNLOCKED))
  t.match(c.reply(next), done)
  t.equal(told(a), 1)
})
