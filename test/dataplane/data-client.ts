import t from 'tap'
import { LeasefsError } from '../../src/base/errors.js'
import { KiB, MiB } from '../../src/base/units.js'
import { readsUnderWayMax, readTimeoutMs } from '../../src/dataplane/limits.js'
import type { Frame } from '../../src/wire/frames.js'
import { bytesOf, Cluster, pushOf, type RawPeer, readOf } from './harness.js'

t.test('reads give the bytes and their checksum', async t => {
  const cluster = new Cluster()
  const server = await cluster.server('a')
  const client = cluster.client()
  for (const length of [1, 16 * KiB, 1 * MiB]) {
    const read = await cluster.until(client.read(server.address, readOf(length, length)))
    t.equal(read.length, length)
    t.ok(bytesOf(length, length).equals(Buffer.concat(read.buffers)))
  }
  t.match(
    cluster.traced.filter(({ event }) => event === 'read.served'),
    [1, 16 * KiB, 1 * MiB].map(bytes => ({ handle: '0000000000000007', version: 3, from: 'a', to: 'client:1', bytes })),
  )
})

t.test('a read at the end of a replica gives fewer bytes, or none', async t => {
  const cluster = new Cluster()
  const server = await cluster.server('a')
  server.handler.read = async ({ offset }) => ({
    buffers: offset ? [] : [Buffer.from('x')],
    length: offset ? 0 : 1,
    crc32: offset ? 0 : 2363233923,
  })
  const client = cluster.client()
  t.match(await cluster.until(client.read(server.address, readOf(0, 100))), { length: 1 })
  t.match(await cluster.until(client.read(server.address, readOf(1, 100))), { length: 0, buffers: [] })
})

t.test('what the server says is what the caller gets', async t => {
  const cluster = new Cluster()
  const server = await cluster.server('a')
  const client = cluster.client()
  for (const code of ['NOT_FOUND', 'STALE_VERSION', 'CORRUPT', 'IO'] as const) {
    server.handler.read = async () => {
      throw new LeasefsError(code, `it is ${code}`)
    }
    await t.rejects(cluster.until(client.read(server.address, readOf(0, 1))), { code, message: `it is ${code}` })
  }
  server.handler.read = () => {
    throw new TypeError('unforeseen')
  }
  await t.rejects(cluster.until(client.read(server.address, readOf(0, 1))), { code: 'INTERNAL' })
})

t.test('reads share a connection, and a slow one holds up no other', async t => {
  const cluster = new Cluster()
  const server = await cluster.server('a')
  const client = cluster.client()
  const slow = server.handler.read
  server.handler.read = async request => {
    if (request.offset === 0) await cluster.clock.sleep(1000)
    return slow(request)
  }
  const order: number[] = []
  const reads = [0, 1, 2, 3].map(async offset => {
    const { buffers } = await client.read(server.address, readOf(offset, 100 * KiB))
    t.ok(bytesOf(100 * KiB, offset).equals(Buffer.concat(buffers)), 'each gets its own bytes')
    order.push(offset)
  })
  await cluster.until(Promise.all(reads))
  t.same(order, [1, 2, 3, 0])
})

t.test('pushes and reads have connections of their own', async t => {
  const cluster = new Cluster()
  const server = await cluster.rawServer()
  const client = cluster.client()
  client.push(pushOf(1, bytesOf(10), [server.address]))
  client.push(pushOf(2, bytesOf(10), [server.address]))
  client.read(server.address, readOf(0, 1)).catch(() => {})
  client.read(server.address, readOf(1, 1)).catch(() => {})
  await cluster.clock.advance(1)
  t.same(
    server.peers.map(({ frames }) => frames.map(({ type }) => type)),
    [
      ['hello', 'push', 'push'],
      ['hello', 'read', 'read'],
    ],
  )
})

/** What a read of 4 bytes says when the server answers with `answer`. */
async function readFrom(answer: (read: { number: number }, peer: RawPeer) => void) {
  const cluster = new Cluster()
  const server = await cluster.rawServer(peer => {
    peer.onFrame = (frame: Frame) => {
      if (frame.type === 'read') answer(frame, peer)
    }
  })
  return cluster.until(cluster.client().read(server.address, readOf(0, 4)))
}

t.test('bytes damaged on the way are CORRUPT', async t => {
  const damaged = readFrom(({ number }, peer) =>
    peer.send({ type: 'readReply', number, length: 4, crc32: 99 }, Buffer.from('data')),
  )
  await t.rejects(damaged, { code: 'CORRUPT', message: /damaged/ })
})

t.test('a server that does not keep to the protocol is hung up on', async t => {
  const cases: [string, (read: { number: number }, peer: RawPeer) => void][] = [
    ['an answer nobody asked for', (_, peer) => peer.send({ type: 'pushAck', number: 1 })],
    [
      'a number nobody used',
      ({ number }, peer) => peer.send({ type: 'readReply', number: number + 1, length: 0, crc32: 0 }),
    ],
    ['more than was asked', ({ number }, peer) => peer.send({ type: 'readReply', number, length: 5, crc32: 0 })],
    ['garbage', (_, peer) => peer.sendBytes(bytesOf(100))],
  ]
  for (const [name, answer] of cases) await t.rejects(readFrom(answer), { code: 'CORRUPT' }, name)
  const hangUp = readFrom(({ number }, peer) => {
    peer.send({ type: 'readReply', number, length: 4, crc32: 0 }, Buffer.from('da'))
    setImmediate(() => peer.pipe.close())
  })
  await t.rejects(hangUp, { code: 'UNAVAILABLE' }, 'half an answer')
})

t.test('a server that says nothing is given up in time', async t => {
  const cluster = new Cluster()
  const server = await cluster.rawServer()
  const client = cluster.client()
  const reads = [client.read(server.address, readOf(0, 1)), client.read(server.address, readOf(1, 1))]
  const started = cluster.clock.now()
  for (const { status, reason } of (await cluster.until(Promise.allSettled(reads))) as PromiseRejectedResult[]) {
    t.match({ status, reason }, { status: 'rejected', reason: { code: 'TIMEOUT' } })
  }
  t.ok(cluster.clock.now() - started < readTimeoutMs + 100)
  t.ok(server.peers[0]?.closed)
})

t.test('a lost connection fails what was on it, and is made again', async t => {
  const cluster = new Cluster()
  const server = await cluster.server('a')
  const client = cluster.client()
  await cluster.until(client.read(server.address, readOf(0, 1)))
  server.handler.read = () => new Promise(() => {})
  const lost = client.read(server.address, readOf(0, 1))
  await cluster.clock.advance(1)
  cluster.network.reset(server.address)
  await t.rejects(cluster.until(lost), { code: 'UNAVAILABLE' })
  t.same(await cluster.until(client.push(pushOf(1, bytesOf(10), [server.address]))), { ok: true })
})

t.test('where no one listens a read is UNAVAILABLE', async t => {
  const cluster = new Cluster()
  const gone = await cluster.server('a')
  await gone.close()
  await t.rejects(cluster.until(cluster.client().read(gone.address, readOf(0, 1))), { code: 'UNAVAILABLE' })
})

t.test('only so many reads of one server are under way', async t => {
  const cluster = new Cluster()
  const server = await cluster.rawServer()
  const client = cluster.client()
  for (let n = 0; n < readsUnderWayMax; n++) client.read(server.address, readOf(0, 1)).catch(() => {})
  await t.rejects(client.read(server.address, readOf(0, 1)), { code: 'UNAVAILABLE' })
})

t.test('a server of another cluster refuses', async t => {
  const cluster = new Cluster()
  const server = await cluster.server('a', 'cluster a')
  const foreign = cluster.client({ clusterId: () => 'cluster b' })
  await t.rejects(cluster.until(foreign.read(server.address, readOf(0, 1))), { code: 'WRONG_CLUSTER' })
  const outcome = await cluster.until(foreign.push(pushOf(1, bytesOf(1 * MiB), [server.address])))
  t.match(outcome, { ok: false, failedAt: 0, error: { code: 'WRONG_CLUSTER' } })
  t.equal(server.handler.pushes.size, 0)
  for (const clusterId of ['', 'cluster a']) {
    const ours = cluster.client({ clusterId: () => clusterId })
    t.ok(await cluster.until(ours.read(server.address, readOf(0, 1))), `"${clusterId}" is served`)
  }
})

t.test('closing ends what is under way, and what comes after', async t => {
  const cluster = new Cluster()
  const server = await cluster.rawServer()
  const client = cluster.client()
  const read = client.read(server.address, readOf(0, 1))
  const push = client.push(pushOf(1, bytesOf(10), [server.address]))
  await cluster.clock.advance(1)
  client.close()
  await t.rejects(read, { code: 'CANCELLED' })
  t.match(await push, { ok: false, failedAt: 0, error: { code: 'CANCELLED' } })
  await t.rejects(client.read(server.address, readOf(0, 1)), { code: 'CANCELLED' })
  t.match(await client.push(pushOf(1, bytesOf(10), [server.address])), { ok: false, error: { code: 'CANCELLED' } })
  await cluster.clock.advance(1)
  t.same(
    server.peers.map(({ closed }) => closed),
    [true, true],
  )
})
