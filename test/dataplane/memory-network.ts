import t from 'tap'
import { SystemClock } from '../../src/base/clock.js'
import { SimulatedClock } from '../../src/base/simulated-clock.js'
import { KiB } from '../../src/base/units.js'
import type { BytePipe } from '../../src/dataplane/byte-network.js'
import { MemoryByteNetwork } from '../../src/dataplane/memory-network.js'
import { byteNetworkSuite, closed } from '../suites/byte-network.js'

const local = { host: '127.0.0.1', port: 0 }

byteNetworkSuite(t, () => new MemoryByteNetwork(new SystemClock()))

/** One connection in simulated time, and how many bytes its server has got. */
async function connect() {
  const clock = new SimulatedClock()
  const network = new MemoryByteNetwork(clock)
  const got = { bytes: 0 }
  let accepted: BytePipe | undefined
  const { address } = await network.serve(local, pipe => {
    accepted = pipe
    pipe.onData(bytes => {
      got.bytes += bytes.length
    })
  })
  const pipe = await network.connect(address, 1000)
  return { clock, network, address, pipe, got, accepted: () => accepted as unknown as BytePipe }
}

t.test('a throttled connection carries so many bytes per second', async t => {
  const { clock, network, address, pipe, got } = await connect()
  network.throttle(address, 640 * KiB)
  pipe.write([Buffer.alloc(640 * KiB)])
  await clock.advance(450)
  t.equal(got.bytes, 5 * 64 * KiB)
  await clock.advance(1000)
  t.equal(got.bytes, 640 * KiB)
})

t.test('what is written in a silence arrives when it ends', async t => {
  const { clock, network, address, pipe, got } = await connect()
  network.silence(address)
  pipe.write([Buffer.alloc(10)])
  await clock.advance(60_000)
  t.equal(got.bytes, 0)
  const connecting = network.connect(address, 1000)
  connecting.catch(() => {})
  await clock.advance(1000)
  await t.rejects(connecting, { code: 'UNAVAILABLE' })
  network.heal(address)
  await clock.advance(1)
  t.equal(got.bytes, 10)
})

t.test('an end in a silence is heard of when it is over', async t => {
  const { clock, network, address, pipe, accepted } = await connect()
  let end: unknown
  accepted().onClose(reason => {
    end = reason
  })
  network.silence(address)
  pipe.close()
  await clock.advance(1000)
  t.equal(end, undefined)
  network.heal(address)
  await clock.advance(1)
  t.match(end, { code: 'UNAVAILABLE' })
})

t.test('a reset breaks the connections of one server once', async t => {
  const { network, address, pipe, accepted } = await connect()
  const ends = [closed(pipe), closed(accepted())]
  network.reset(address)
  for (const end of ends) t.match(await end, { code: 'UNAVAILABLE' })
  t.ok(await network.connect(address, 1000))
})
