import t from 'tap'
import type { ChunkService } from '../../../src/master/chunk-service.js'
import { answerTriesMax, requestsInFlightMax } from '../../../src/master/clients/limits.js'
import { make, TestMaster } from '../harness/client.js'
import { root } from '../harness/namespace.js'

const stat = { $case: 'getAttributes', value: { ino: root } } as const

t.test('a failure is an answer', async t => {
  const client = await (await TestMaster.start(t)).connect()
  t.match(await client.call({ $case: 'getAttributes', value: { ino: 99 } }), { failure: { code: 'NOT_FOUND' } })
  t.match(await client.call(make(root, 'a/b')), { failure: { code: 'INVALID_ARGUMENT' } })
})

t.test('a request that makes no sense is refused, and the session goes on', async t => {
  const master = await TestMaster.start(t)
  const client = await master.connect()
  client.send({ $case: 'request', value: { number: 0, answeredThrough: 0, operation: stat } })
  client.send({ $case: 'request', value: { number: 1, answeredThrough: 1, operation: stat } })
  client.send({ $case: 'request', value: { number: 2, answeredThrough: 0, operation: undefined } })
  await master.settle()
  t.match(client.reply(0), { failure: { code: 'INVALID_ARGUMENT' } })
  t.match(client.reply(1), { failure: { code: 'INVALID_ARGUMENT' } })
  t.match(client.reply(2), { failure: { code: 'NOT_SUPPORTED' } })
  client.ask(stat, 3)
  await master.settle()
  t.equal(client.reply(3)?.failure, undefined)
})

t.test('messages out of place end the stream, and only that', async t => {
  const master = await TestMaster.start(t)
  const client = await master.connect()
  client.hello()
  await master.settle()
  t.match(client.closed, { code: 'INVALID_ARGUMENT' })
  const again = await master.connect({ sessionId: client.sessionId })
  again.send(undefined)
  await master.settle()
  t.match(again.closed, { code: 'INVALID_ARGUMENT' })
})

t.test('an Invalidated that no one asked for is nothing', async t => {
  const master = await TestMaster.start(t)
  const client = await master.connect()
  client.acknowledge(12345)
  client.ping(7)
  await master.settle()
  t.same(client.pongs, [7])
})

/** A chunk half that only locates. */
function locator(locate: ChunkService['locate']): ChunkService {
  return {
    locate,
    report: async () => {},
    space: () => ({ totalBytes: 0, freeBytes: 0 }),
    dropped: () => {},
    handlers: () => [],
    close: async () => {},
  }
}

t.test('a layout that is out of date before it is sent is looked for again, so often', async t => {
  let tries = 0
  let spoiled = 1
  const chunks = locator(async ino => {
    tries++
    if (tries <= spoiled) void master.sessions.invalidate(ino)
    return { chunks: [] }
  })
  const master = await TestMaster.start(t, { chunks })
  const client = await master.connect()
  const file = await client.make(root, 'file')
  const locate = { ino: file.ino, firstIndex: 0, count: 1, forWrite: true }
  t.match(await client.call({ $case: 'locateChunks', value: locate }), { result: { $case: 'layout' } })
  t.equal(tries, 2)
  t.same(
    client.received.slice(-2).map(({ $case }) => $case),
    ['invalidate', 'reply'],
  )
  spoiled = 1000
  t.match(await client.call({ $case: 'locateChunks', value: locate }), { failure: { code: 'UNAVAILABLE' } })
  t.equal(tries, 2 + answerTriesMax)
})

t.test('a change answered on another stream than it was made on is not to be cached', async t => {
  const master = await TestMaster.start(t)
  const [a, b] = [await master.connect(), await master.connect()]
  await b.call({ $case: 'lookup', value: { parent: root, name: Buffer.from('x') } })
  const number = a.ask(make(root, 'x'))
  await master.settle()
  const again = await master.connect({ sessionId: a.sessionId })
  b.acknowledge(b.invalidates[0]?.number ?? 0)
  await master.settle()
  t.ok(again.reply(number))
  t.match(again.invalidates, [{ inos: [root, 2] }])
})

t.test('only so many requests are under way', async t => {
  const master = await TestMaster.start(t, { chunks: locator(() => new Promise(() => {})) })
  const client = await master.connect()
  const file = await client.make(root, 'file')
  const locate = { ino: file.ino, firstIndex: 0, count: 1, forWrite: true }
  for (let count = 0; count < requestsInFlightMax; count++) client.ask({ $case: 'locateChunks', value: locate })
  const beyond = client.ask(stat)
  await master.settle()
  t.match(client.reply(beyond), { failure: { code: 'UNAVAILABLE' } })
  const other = await master.connect()
  t.equal((await other.call(stat)).failure, undefined, 'another client does not suffer by it')
})
