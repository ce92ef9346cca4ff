// The chain: claims 1–6 of the write path, and what happens when a link of it fails.

import t from 'tap'
import { LeasefsError } from '../../src/base/errors.js'
import { KiB, MiB } from '../../src/base/units.js'
import { forwardQueuedBytesMax, pipeQueuedBytesMax, pushForwardTimeoutMs } from '../../src/dataplane/limits.js'
import { addressText } from '../../src/wire/address.js'
import { bytesOf, Cluster, pushFrame, pushOf } from './harness.js'

const nowhere = { host: '127.0.0.1', port: 1 }

async function threeServers() {
  const cluster = new Cluster()
  const [a, b, c] = [await cluster.server('a'), await cluster.server('b'), await cluster.server('c')]
  return { cluster, a, b, c, chain: [a.address, b.address, c.address] }
}

t.test('a push reaches every server of its chain, one after the other', async t => {
  const { cluster, a, b, c, chain } = await threeServers()
  const bytes = bytesOf(300 * KiB)
  t.same(await cluster.until(cluster.client().push(pushOf(1, bytes, chain))), { ok: true })
  for (const { handler } of [a, b, c]) {
    const push = handler.push(1)
    t.equal(push?.state, 'complete')
    t.ok(push && bytes.equals(Buffer.concat(push.buffers)))
  }
  const [first, second, third] = chain.map(addressText)
  t.same(cluster.dataIds('push.start'), [`client:1→${first}`])
  t.same(cluster.dataIds('push.forward.first'), [`a→${second}`, `b→${third}`])
  t.same(cluster.dataIds('push.received'), ['client:1→a', 'a→b', 'b→c'])
  t.same(cluster.dataIds('push.acked'), ['c→b', 'b→a', 'a→client:1', `${first}→client:1`])
  t.match(cluster.traced[0], { event: 'push.start', dataId: '1:1', bytes: bytes.length })
})

t.test('the head goes on before any byte has come, and bytes go on as they come', async t => {
  const cluster = new Cluster()
  const a = await cluster.server('a')
  const next = await cluster.rawServer()
  const client = await cluster.rawClient(a.address)
  const bytes = bytesOf(1 * MiB)
  client.send(pushFrame(1, bytes, [next.address, nowhere]))
  await cluster.clock.advance(1)
  t.match(next.peers[0]?.got('hello'), [{ self: 'a' }])
  t.match(next.peers[0]?.got('push'), [{ id: { client: 1, counter: 1 }, length: 1 * MiB, chain: [nowhere] }])
  t.equal(next.peers[0]?.payloadBytes, 0)

  client.sendBytes(bytes.subarray(0, 512 * KiB))
  await cluster.clock.advance(1)
  t.equal(next.peers[0]?.payloadBytes, 512 * KiB, 'half has been forwarded while half is still to come')
  const [first] = cluster.traced.filter(({ event }) => event === 'push.forward.first')
  t.match(first, { dataId: '1:1', from: 'a', to: addressText(next.address), length: 1 * MiB })
  t.ok(Number(first?.bytes) < 1 * MiB)
  t.equal(a.handler.push(1)?.state, 'coming')
})

t.test('nobody acknowledges before those behind it have', async t => {
  const cluster = new Cluster()
  const a = await cluster.server('a')
  const next = await cluster.rawServer()
  const client = await cluster.rawClient(a.address)
  const bytes = bytesOf(10)
  client.send(pushFrame(5, bytes, [next.address]), bytes)
  await cluster.clock.advance(100)
  t.equal(a.handler.push(5)?.state, 'complete', 'held here')
  t.same(client.got('pushAck'), [])
  next.peers[0]?.send({ type: 'pushAck', number: next.peers[0].got('push')[0]?.number ?? -1 })
  await cluster.clock.advance(1)
  t.same(client.got('pushAck'), [{ type: 'pushAck', number: 5 }])
})

t.test('a link that fails is named, and those before it hold the bytes', async t => {
  const { cluster, a, b, c } = await threeServers()
  const client = cluster.client()
  const cases = [
    { chain: [nowhere, b.address], failedAt: 0 },
    { chain: [a.address, nowhere, c.address], failedAt: 1 },
    { chain: [a.address, b.address, nowhere], failedAt: 2 },
  ]
  for (const [index, { chain, failedAt }] of cases.entries()) {
    const outcome = await cluster.until(client.push(pushOf(index, bytesOf(100 * KiB), chain)))
    t.match(outcome, { ok: false, failedAt, error: { code: 'UNAVAILABLE' } })
    for (const { address, handler } of [a, b]) {
      const position = chain.indexOf(address)
      if (position >= 0 && position < failedAt) t.equal(handler.push(index)?.state, 'complete')
    }
  }
  t.equal(c.handler.pushes.size, 0)
})

t.test('a server without room fails the push, and the bytes still go on', async t => {
  const { cluster, b, c, chain } = await threeServers()
  b.handler.room = () => {
    throw new LeasefsError('UNAVAILABLE', 'no room')
  }
  const outcome = await cluster.until(cluster.client().push(pushOf(1, bytesOf(100), chain)))
  t.match(outcome, { ok: false, failedAt: 1, error: { code: 'UNAVAILABLE', message: 'no room' } })
  t.equal(c.handler.push(1)?.state, 'complete')
})

t.test('damaged bytes are refused where the damage is seen first', async t => {
  const { cluster, a, b, c, chain } = await threeServers()
  const push = { ...pushOf(1, bytesOf(200 * KiB), chain), crc32: 12_345 }
  const outcome = await cluster.until(cluster.client().push(push))
  t.match(outcome, { ok: false, failedAt: 0, error: { code: 'CORRUPT' } })
  for (const { handler } of [a, b, c]) t.equal(handler.push(1)?.state, 'abandoned')
  t.same(cluster.dataIds('push.received'), [])
})

t.test('a data id that is here already is forwarded and acknowledged', async t => {
  const { cluster, a, b, chain } = await threeServers()
  const client = cluster.client()
  const bytes = bytesOf(1000)
  await cluster.until(client.push(pushOf(1, bytes, [a.address])))
  const held = a.handler.push(1)
  t.same(await cluster.until(client.push(pushOf(1, bytes, chain))), { ok: true })
  t.equal(a.handler.push(1), held)
  t.equal(b.handler.push(1)?.state, 'complete')
  const damaged = { ...pushOf(1, bytes, [a.address]), crc32: 1 }
  t.match(await cluster.until(client.push(damaged)), { ok: false, failedAt: 0, error: { code: 'CORRUPT' } })
})

t.test('when the pusher goes in the middle, nobody keeps half', async t => {
  const { cluster, a, b, c, chain } = await threeServers()
  const client = await cluster.rawClient(a.address)
  const bytes = bytesOf(1 * MiB)
  client.send(pushFrame(1, bytes, chain.slice(1)), bytes.subarray(0, 300 * KiB))
  await cluster.clock.advance(1)
  for (const { handler } of [a, b, c]) t.equal(handler.push(1)?.bytes, 300 * KiB)
  client.pipe.close()
  await cluster.clock.advance(1)
  for (const { handler } of [a, b, c]) t.equal(handler.push(1)?.state, 'abandoned')
})

t.test('a slow pusher holds up no other, and nobody blames the next server for it', async t => {
  const { cluster, a, b } = await threeServers()
  const slow = await cluster.rawClient(a.address)
  const bytes = bytesOf(1 * MiB)
  slow.send(pushFrame(1, bytes, [b.address]), bytes.subarray(0, 10))
  await cluster.clock.advance(1)
  const other = cluster.client().push(pushOf(2, bytesOf(500 * KiB), [a.address, b.address]))
  t.same(await cluster.until(other), { ok: true })
  await cluster.clock.advance(5 * pushForwardTimeoutMs)
  slow.sendBytes(bytes.subarray(10))
  await cluster.clock.advance(10)
  t.same(slow.got('pushAck'), [{ type: 'pushAck', number: 1 }])
})

t.test('a next server that does not read holds the pusher back, within bounds', async t => {
  const cluster = new Cluster()
  const a = await cluster.server('a')
  const next = await cluster.rawServer(peer => peer.pipe.pause())
  const client = cluster.client()
  const pushes = Array.from({ length: 10 }, (_, counter) =>
    client.push(pushOf(counter, bytesOf(1 * MiB, counter), [a.address, next.address])),
  )
  await cluster.clock.advance(pushForwardTimeoutMs / 2)
  const received = [...a.handler.pushes.values()].reduce((sum, push) => sum + push.bytes, 0)
  t.ok(received >= pipeQueuedBytesMax, `${received} bytes taken`)
  t.ok(received <= pipeQueuedBytesMax + forwardQueuedBytesMax, `only ${received} bytes taken`)

  next.peers[0]?.pipe.resume()
  const ack = (number: number) => next.peers[0]?.send({ type: 'pushAck', number })
  for (const peer of next.peers) peer.onPayloadEnd = frame => frame.type === 'push' && ack(frame.number)
  t.same(await cluster.until(Promise.all(pushes)), Array(10).fill({ ok: true }))
})

t.test('a next server that stalls is given up in time, and the bytes are held before it', async t => {
  const cluster = new Cluster()
  const a = await cluster.server('a')
  const next = await cluster.rawServer(peer => peer.pipe.pause())
  const client = cluster.client()
  const chain = [a.address, next.address]
  const pushes = [1, 2, 3, 4].map(counter => client.push(pushOf(counter, bytesOf(1 * MiB, counter), chain)))
  const started = cluster.clock.now()
  const outcomes = await cluster.until(Promise.all(pushes))
  for (const outcome of outcomes) t.match(outcome, { ok: false, failedAt: 1, error: { code: 'TIMEOUT' } })
  for (const counter of [1, 2, 3, 4]) t.equal(a.handler.push(counter)?.state, 'complete')
  t.ok(cluster.clock.now() - started < 1.2 * pushForwardTimeoutMs, 'the later ones did not wait again')
  t.equal(next.peers.length, 1)

  await cluster.clock.advance(pushForwardTimeoutMs)
  client.push(pushOf(5, bytesOf(10), chain))
  await cluster.clock.advance(10)
  t.equal(next.peers.length, 2, 'after a while it is tried again')
})

t.test('the server next to a stall is the one that reports it', async t => {
  const { cluster, a, b } = await threeServers()
  const mute = await cluster.rawServer()
  const outcome = cluster.client().push(pushOf(1, bytesOf(100 * KiB), [a.address, b.address, mute.address]))
  t.match(await cluster.until(outcome), { ok: false, failedAt: 2, error: { code: 'TIMEOUT' } })
})

t.test('a server that cannot be reached is waited for only so long', async t => {
  const { cluster, a, b, chain } = await threeServers()
  cluster.network.silence(b.address)
  const client = cluster.client()
  const outcome = await cluster.until(client.push(pushOf(1, bytesOf(1 * MiB), chain)))
  t.match(outcome, { ok: false, failedAt: 1, error: { code: 'TIMEOUT' } })
  t.equal(a.handler.push(1)?.state, 'complete')
  const started = cluster.clock.now()
  t.match(await cluster.until(client.push(pushOf(2, bytesOf(10), chain))), { ok: false, failedAt: 1 })
  t.ok(cluster.clock.now() - started < 100, 'and not again at once')
})
