import t from 'tap'
import { SystemClock } from '../../src/base/clock.js'
import { SimulatedClock } from '../../src/base/simulated-clock.js'
import { stream } from '../../src/rpc/control-network.js'
import { connectTimeoutMs } from '../../src/rpc/limits.js'
import { MemoryControlNetwork } from '../../src/rpc/memory-network.js'
import { ChunkserverService } from '../../src/wire/gen/services.js'
import { committed, controlNetworkSuite, follow, hello } from '../suites/control-network.js'

const { mutate } = ChunkserverService
const local = { host: '127.0.0.1', port: 0 }

controlNetworkSuite(t, () => new MemoryControlNetwork(new SystemClock()))

/** A network in simulated time with one server that answers each message. */
async function serve() {
  const clock = new SimulatedClock()
  const network = new MemoryControlNetwork(clock)
  const echo = stream(mutate, s => s.onMessage(() => s.send(committed(1))))
  const server = await network.serve(local, [echo])
  return { clock, network, server, peer: network.connect(server.address) }
}

t.test('a reset breaks the streams of one server once', async t => {
  const { network, server, peer } = await serve()
  const before = follow(peer.open(mutate))
  await new Promise(resolve => setImmediate(resolve))
  network.reset(server.address)
  t.match(await before.end, { code: 'UNAVAILABLE' })
  const after = peer.open(mutate)
  after.send(hello(1))
  await new Promise(resolve => after.onMessage(resolve))
})

t.test('what is sent in a silence arrives when it ends', async t => {
  const { clock, network, server, peer } = await serve()
  const opened = peer.open(mutate)
  const { messages } = follow(opened)
  await clock.advance(1)
  network.silence(server.address)
  opened.send(hello(1))
  await clock.advance(60_000)
  t.same(messages, [])
  network.heal(server.address)
  await clock.advance(1)
  t.equal(messages.length, 1)
})

t.test('in a silence nothing can be opened, and no call is answered', async t => {
  const { clock, network, server, peer } = await serve()
  network.silence(server.address)
  const { end } = follow(peer.open(mutate))
  const probe = network.probe(server.address, 100)
  await clock.advance(connectTimeoutMs)
  t.match(await end, { code: 'UNAVAILABLE' })
  t.equal(await probe, 'silent')
})
