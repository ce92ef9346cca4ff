import { crc32 } from '@node-rs/crc32'
import t from 'tap'
import { deferred } from '../../src/base/deferred.js'
import { silentLog } from '../../src/base/log.js'
import { KiB, MiB } from '../../src/base/units.js'
import { AnswerBudget } from '../../src/dataplane/answer-budget.js'
import { DataConnection } from '../../src/dataplane/data-connection.js'
import {
  answersTakenMs,
  frameMs,
  goodbyeMs,
  helloMs,
  lookMs,
  readsAtOnceMax,
  repliesQueuedBytesMax,
  silentMs,
} from '../../src/dataplane/limits.js'
import { encodeFrame, type Frame } from '../../src/wire/frames.js'
import { bytesOf, Cluster, local, pushFrame, RecordingHandler, readBytes, readOf } from './harness.js'

/** One server and a connection to it on which the test says what is sent. */
async function connect(clusterId = '') {
  const cluster = new Cluster()
  const server = await cluster.server('a', clusterId)
  const client = await cluster.rawClient(server.address, 'cluster of the client')
  return { cluster, server, client }
}

const hello: Frame = { type: 'hello', clusterId: '', self: 'raw' }

function readFrame(number: number, offset = 0, length = 1): Frame {
  return { type: 'read', number, ...readOf(offset, length) }
}

t.test('what is no frame, or not now, closes the connection', async t => {
  const whole = encodeFrame(pushFrame(1, bytesOf(10)))
  const oversized = Buffer.from(whole)
  oversized.writeUInt32LE(1 * MiB + 1, 12)
  const cases: [string, Buffer][] = [
    ['garbage', bytesOf(1000)],
    ['text', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
    ['a push that is too long', oversized],
    ['a second hello', encodeFrame(hello)],
    ['an answer', encodeFrame({ type: 'pushAck', number: 1 })],
    ['bytes for a read', encodeFrame({ type: 'readReply', number: 1, length: 1, crc32: 1 })],
  ]
  for (const [name, bytes] of cases) {
    const { cluster, server, client } = await connect()
    client.sendBytes(bytes)
    await cluster.clock.advance(1)
    t.ok(client.closed, name)
    t.same([...server.handler.pushes], [], 'and no push has begun')
  }
})

t.test('nothing is taken before the hello', async t => {
  const cluster = new Cluster()
  const server = await cluster.server('a')
  const pipe = await cluster.network.connect(server.address, 1000)
  let closed = false
  pipe.onClose(() => {
    closed = true
  })
  pipe.write([encodeFrame(readFrame(1))])
  await cluster.clock.advance(1)
  t.ok(closed)
})

t.test('a frame cut short by the end of the connection is nothing', async t => {
  const { cluster, server, client } = await connect()
  client.sendBytes(encodeFrame(pushFrame(1, bytesOf(10))).subarray(0, 30))
  await cluster.clock.advance(1)
  client.pipe.close()
  await cluster.clock.advance(1)
  t.equal(server.handler.pushes.size, 0)
})

t.test('a client of another cluster is told so, and hung up on', async t => {
  const { cluster, server, client } = await connect('cluster of the server')
  client.send(pushFrame(1, bytesOf(10)), bytesOf(10))
  await cluster.clock.advance(1)
  t.match(client.got('goodbye'), [{ failure: { code: 'WRONG_CLUSTER' } }])
  t.notOk(client.closed, 'it has time to read it')
  await cluster.clock.advance(goodbyeMs)
  t.ok(client.closed)
  t.equal(server.handler.pushes.size, 0)
})

t.test('while there is no room for a push nothing more is taken', async t => {
  const { cluster, server, client } = await connect()
  const room = deferred<void>()
  server.handler.room = () => room.promise
  const bytes = bytesOf(1 * MiB)
  client.send(pushFrame(1, bytes), bytes)
  client.send(pushFrame(2, bytes), bytes)
  await cluster.clock.advance(100)
  t.ok(client.pipe.queuedBytes > 1 * MiB)
  t.equal(server.handler.pushes.size, 0)
  room.resolve()
  await cluster.clock.advance(100)
  t.same(
    client.got('pushAck').map(({ number }) => number),
    [1, 2],
  )
  t.equal(client.pipe.queuedBytes, 0)
})

t.test('a push that loses its connection while it waits for room is abandoned', async t => {
  const { cluster, server, client } = await connect()
  const room = deferred<void>()
  server.handler.room = () => room.promise
  client.send(pushFrame(1, bytesOf(10)))
  await cluster.clock.advance(1)
  client.pipe.close()
  await cluster.clock.advance(1)
  room.resolve()
  await cluster.clock.advance(1)
  t.equal(server.handler.push(1)?.state, 'abandoned')
})

t.test('a push that does not come whole is abandoned in time, however often a byte of it comes', async t => {
  const { cluster, server, client } = await connect()
  const bytes = bytesOf(100)
  client.send(pushFrame(1, bytes), bytes.subarray(0, 10))
  for (let byte = 10; byte < 15; byte++) {
    await cluster.clock.advance(frameMs / 6)
    client.sendBytes(bytes.subarray(byte, byte + 1))
  }
  t.equal(server.handler.push(1)?.state, 'coming')
  await cluster.clock.advance(frameMs / 6 + 2 * lookMs)
  t.equal(server.handler.push(1)?.state, 'abandoned')
  t.ok(client.closed)
})

t.test('a peer that is slow in beginning is thrown out, and one that begins nothing', async t => {
  const cluster = new Cluster()
  const server = await cluster.server('a')
  const wholeHello = encodeFrame(hello)
  const cases: [string, Buffer, number][] = [
    ['no hello', Buffer.alloc(0), helloMs],
    ['half a hello', wholeHello.subarray(0, 17), helloMs],
    ['half a head', Buffer.concat([wholeHello, encodeFrame(readFrame(1)).subarray(0, 20)]), frameMs],
    ['a hello and nothing more', wholeHello, silentMs],
  ]
  for (const [name, bytes, ms] of cases) {
    const pipe = await cluster.network.connect(server.address, 1000)
    let reason: unknown
    pipe.onClose(closed => {
      reason = closed
    })
    pipe.write([bytes])
    await cluster.clock.advance(ms - lookMs)
    t.equal(reason, undefined, `${name} is waited for`)
    await cluster.clock.advance(3 * lookMs)
    t.match(reason, { code: 'UNAVAILABLE' }, `${name} is not waited for longer`)
  }
})

t.test('who takes no answers is thrown out', async t => {
  const { cluster, client } = await connect()
  client.pipe.pause()
  client.send(readFrame(1, 0, 1 * MiB))
  await cluster.clock.advance(answersTakenMs - lookMs)
  t.notOk(client.closed)
  await cluster.clock.advance(3 * lookMs)
  t.ok(client.closed)
})

t.test('who pushes and takes no acknowledgements has no more pushes taken', async t => {
  const { cluster, server, client } = await connect()
  client.pipe.pause()
  const bad = { ...pushFrame(1, bytesOf(1)), crc32: 1 }
  const frame = Buffer.concat([encodeFrame(bad), bytesOf(1)])
  const many = Buffer.concat(Array.from({ length: 1000 }, () => frame))
  let sent = 0
  while (client.pipe.queuedBytes < 1 * MiB && sent < 1_000_000) {
    client.sendBytes(many)
    sent += 1000
    await cluster.clock.advance(1)
  }
  t.ok(client.pipe.queuedBytes >= 1 * MiB, `after ${sent} pushes no more are taken`)
  client.pipe.resume()
  await cluster.clock.advance(1000)
  t.equal(client.got('pushAck').length, sent, 'and all are answered when it takes them')
  t.equal(server.handler.pushes.size, 1)
})

t.test('a connection on which nothing is under way may be silent', async t => {
  const { cluster, client } = await connect()
  const bytes = bytesOf(100)
  client.send(pushFrame(1, bytes), bytes)
  await cluster.clock.advance(silentMs - 2 * lookMs)
  t.notOk(client.closed)
})

t.test('pushes and reads may share a connection', async t => {
  const { cluster, client } = await connect()
  const bytes = bytesOf(200 * KiB)
  client.send(readFrame(1))
  client.send(pushFrame(2, bytes), bytes)
  client.send(readFrame(3))
  await cluster.clock.advance(10)
  t.same(
    client.got('readReply').map(({ number }) => number),
    [1, 3],
  )
  t.same(
    client.got('pushAck').map(({ number }) => number),
    [2],
  )
})

t.test('only so many reads are served at once', async t => {
  const { cluster, server, client } = await connect()
  const done: (() => void)[] = []
  server.handler.read = ({ length }) => new Promise(resolve => done.push(() => resolve(readBytes(bytesOf(length)))))
  for (let number = 1; number <= 2 * readsAtOnceMax; number++) client.send(readFrame(number))
  await cluster.clock.advance(1)
  t.equal(done.length, readsAtOnceMax)
  done[0]?.()
  await cluster.clock.advance(1)
  t.equal(done.length, readsAtOnceMax + 1)
  t.equal(client.got('readReply').length, 1)
})

t.test('reads wait while their answers are not taken', async t => {
  const { cluster, server, client } = await connect()
  let served = 0
  const bytes = bytesOf(1 * MiB)
  server.handler.read = async () => {
    served++
    return { buffers: [bytes], length: bytes.length, crc32: crc32(bytes) }
  }
  client.pipe.pause()
  for (let number = 1; number <= 100; number++) client.send(readFrame(number, 0, 1 * MiB))
  await cluster.clock.advance(100)
  t.ok(served <= readsAtOnceMax + repliesQueuedBytesMax / MiB, `${served} were read`)
  client.pipe.resume()
  await cluster.clock.advance(100)
  t.equal(client.got('readReply').length, 100)
})

t.test('while the answers of all connections take too much no read begins on any', async t => {
  const cluster = new Cluster()
  const { clock, network } = cluster
  const handler = new RecordingHandler()
  const answers = new AnswerBudget(3 * MiB)
  const hello = () => ({ type: 'hello', clusterId: '', self: 'a' }) as const
  const link = { network, clock, log: silentLog, hello }
  const identity = { self: () => 'a', clusterId: () => '' }
  const options = { handler, clock, log: silentLog, trace: undefined, answers, link, ...identity }
  const { address } = await network.serve(local, pipe => new DataConnection(pipe, options, () => {}))
  let served = 0
  handler.read = async () => {
    served++
    return readBytes(bytesOf(1 * MiB))
  }
  const [one, other] = [await cluster.rawClient(address), await cluster.rawClient(address)]
  one.pipe.pause()
  for (let number = 1; number <= 10; number++) one.send(readFrame(number, 0, 1 * MiB))
  await clock.advance(1)
  t.equal(served, 3)
  other.send(readFrame(1, 0, 1 * MiB))
  await clock.advance(1)
  t.equal(served, 3)
  one.pipe.resume()
  await clock.advance(10)
  t.equal(one.got('readReply').length, 10)
  t.equal(other.got('readReply').length, 1)
})
