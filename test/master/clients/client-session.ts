import t from 'tap'
import { requestsInFlightMax } from '../../../src/master/clients/limits.js'
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

t.test('only so many requests are under way', async t => {
  const master = await TestMaster.start(t, {
    chunks: {
      locate: () => new Promise(() => {}),
      report: async () => {},
      space: () => ({ totalBytes: 0, freeBytes: 0 }),
      dropped: () => {},
      handlers: () => [],
      close: async () => {},
    },
  })
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
