// The data plane over TCP, whole.

import { connect } from 'node:net'
import t, { type Test } from 'tap'
import { SystemClock } from '../../src/base/clock.js'
import { silentLog } from '../../src/base/log.js'
import { KiB, MiB } from '../../src/base/units.js'
import { createDataClient } from '../../src/dataplane/data-client.js'
import { serveData } from '../../src/dataplane/data-server.js'
import { lookMs, serverConnectionsMax } from '../../src/dataplane/limits.js'
import { TcpNetwork } from '../../src/dataplane/tcp-network.js'
import { bytesOf, Cluster, local, pushOf, RecordingHandler, readOf } from './harness.js'

const clock = new SystemClock()
const network = new TcpNetwork(clock, silentLog)

async function serve(t: Test) {
  const handler = new RecordingHandler()
  const server = await serveData({ network, listen: local, handler, clock, log: silentLog, self: () => 'server' })
  t.teardown(() => server.close())
  return { handler, server, address: server.address }
}

function client(t: Test) {
  const client = createDataClient({ network, clock, log: silentLog })
  t.teardown(() => client.close())
  return client
}

t.test('many pushes at once reach three servers whole', async t => {
  const servers = [await serve(t), await serve(t), await serve(t)]
  const chain = servers.map(({ address }) => address)
  const pusher = client(t)
  const lengths = Array.from({ length: 60 }, (_, index) => (index % 3 === 0 ? 1 * MiB : 1 + index * 777))
  const pushes = lengths.map((length, index) => pusher.push(pushOf(index, bytesOf(length, index), chain)))
  t.same(
    await Promise.all(pushes),
    lengths.map(() => ({ ok: true })),
  )
  for (const { handler } of servers) {
    for (const [index, length] of lengths.entries()) {
      const push = handler.push(index)
      if (push?.state !== 'complete' || !bytesOf(length, index).equals(Buffer.concat(push.buffers)))
        t.fail(`push ${index}`)
    }
  }
})

t.test('many reads at once get their bytes', async t => {
  const { address } = await serve(t)
  const reader = client(t)
  const reads = Array.from({ length: 200 }, async (_, index) => {
    const read = await reader.read(address, readOf(index, 100 * KiB))
    return bytesOf(100 * KiB, index).equals(Buffer.concat(read.buffers))
  })
  t.ok((await Promise.all(reads)).every(right => right))
})

t.test('a server that is killed in a chain is named', async t => {
  const servers = [await serve(t), await serve(t), await serve(t)]
  const chain = servers.map(({ address }) => address)
  const pusher = client(t)
  await pusher.push(pushOf(1, bytesOf(1 * MiB), chain))
  await servers[1]?.server.close()
  const outcome = await pusher.push(pushOf(2, bytesOf(1 * MiB), chain))
  t.match(outcome, { ok: false, failedAt: 1, error: { code: 'UNAVAILABLE' } })
  t.equal(servers[0]?.handler.push(2)?.state, 'complete')
})

t.test('garbage from the network closes its connection and no other', async t => {
  const { address } = await serve(t)
  const pusher = client(t)
  t.same(await pusher.push(pushOf(1, bytesOf(10), [address])), { ok: true })
  const socket = connect(address.port, address.host)
  socket.on('error', () => {})
  socket.write(bytesOf(100_000))
  await new Promise(resolve => socket.once('close', resolve))
  t.same(await pusher.push(pushOf(2, bytesOf(10), [address])), { ok: true })
})

t.test('closing a server ends its connections', async t => {
  const { server, address } = await serve(t)
  const socket = connect(address.port, address.host)
  await new Promise(resolve => socket.once('connect', resolve))
  const closed = new Promise(resolve => socket.once('close', resolve))
  socket.resume()
  await server.close()
  await closed
  await server.close()
  t.pass('and closing it again does nothing')
})

t.test('a busy address is ADDRESS_IN_USE', async t => {
  const { address, handler } = await serve(t)
  const again = serveData({ network, listen: address, handler, clock, log: silentLog, self: () => 'server' })
  await t.rejects(again, { code: 'ADDRESS_IN_USE' })
})

t.test('of too many connections the one that was silent longest goes', async t => {
  const cluster = new Cluster()
  const { address } = await cluster.server('a')
  const clients = []
  for (let i = 0; i < serverConnectionsMax; i++) {
    if (i === 1) await cluster.clock.advance(3 * lookMs)
    clients.push(await cluster.rawClient(address))
  }
  await cluster.clock.advance(2 * lookMs)
  t.notOk(clients.some(({ closed }) => closed))
  const last = await cluster.rawClient(address)
  await cluster.clock.advance(2 * lookMs)
  t.same(
    clients.flatMap(({ closed }, i) => (closed ? [i] : [])),
    [0],
  )
  t.notOk(last.closed)
})
