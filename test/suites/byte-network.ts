// What every ByteNetwork must do.

import { randomBytes } from 'node:crypto'
import type { Test } from 'tap'
import { deferred } from '../../src/base/deferred.js'
import type { LeasefsError } from '../../src/base/errors.js'
import { KiB, MiB } from '../../src/base/units.js'
import type { ByteNetwork, BytePipe } from '../../src/dataplane/byte-network.js'
import { pipeQueuedBytesMax } from '../../src/dataplane/limits.js'

const local = { host: '127.0.0.1', port: 0 }

/** Resolves with the first `length` bytes that come. */
export function receive(pipe: BytePipe, length: number): Promise<Buffer> {
  const pieces: Buffer[] = []
  let received = 0
  return new Promise(resolve => {
    pipe.onData(bytes => {
      pieces.push(bytes)
      received += bytes.length
      if (received >= length) resolve(Buffer.concat(pieces))
    })
  })
}

export function closed(pipe: BytePipe): Promise<LeasefsError> {
  return new Promise(resolve => pipe.onClose(resolve))
}

export function byteNetworkSuite(t: Test, open: (t: Test) => ByteNetwork): void {
  const test = (name: string, body: (t: Test, network: ByteNetwork) => Promise<void>) =>
    t.test(name, async t => {
      const awake = setInterval(() => {}, 1000) // A Clock's timers keep no process alive.
      t.teardown(() => clearInterval(awake))
      await body(t, open(t))
    })

  /** Both ends of a new connection. */
  async function pair(t: Test, network: ByteNetwork) {
    const accepted = deferred<BytePipe>()
    const server = await network.serve(local, accepted.resolve)
    t.teardown(() => server.close())
    const opened = await network.connect(server.address, 1000)
    t.teardown(() => opened.close())
    return { server, opened, accepted: await accepted.promise }
  }

  test('bytes arrive in order, both ways', async (t, network) => {
    const { opened, accepted } = await pair(t, network)
    const sent = Array.from({ length: 100 }, (_, index) => randomBytes(index * 100))
    const all = Buffer.concat(sent)
    opened.write(sent.slice(0, 50))
    for (const bytes of sent.slice(50)) opened.write([bytes])
    t.ok(all.equals(await receive(accepted, all.length)))
    accepted.write([all])
    t.ok(all.equals(await receive(opened, all.length)))
  })

  test('what comes before onData() waits for it', async (t, network) => {
    const { opened, accepted } = await pair(t, network)
    opened.write([Buffer.from('early')])
    await new Promise(resolve => setTimeout(resolve, 20))
    t.equal(String(await receive(accepted, 5)), 'early')
  })

  test('a peer that does not read fills the pipe, and drains it when it reads', async (t, network) => {
    const { opened, accepted } = await pair(t, network)
    const bytes = Buffer.alloc(256 * KiB)
    const received = receive(accepted, 1)
    opened.write([bytes])
    await received
    accepted.pause()

    let written = bytes.length
    while (opened.write([bytes])) {
      written += bytes.length
      await new Promise(resolve => setImmediate(resolve))
      if (written > 64 * MiB) break
    }
    written += bytes.length
    t.ok(written < 64 * MiB, 'the pipe is bounded')
    t.ok(opened.queuedBytes >= pipeQueuedBytesMax)

    const drained = deferred<void>()
    opened.onDrain(drained.resolve)
    let rest = 0
    accepted.onData(bytes => {
      rest += bytes.length
    })
    accepted.resume()
    await drained.promise
    t.ok(opened.queuedBytes < pipeQueuedBytesMax)
    opened.write([bytes])
    const total = written - 256 * KiB
    while (rest < total) await new Promise(resolve => setTimeout(resolve, 5))
    t.pass('all of it arrives')
  })

  test('a paused pipe delivers nothing until it is resumed', async (t, network) => {
    const { opened, accepted } = await pair(t, network)
    let received = 0
    accepted.onData(bytes => {
      received += bytes.length
    })
    accepted.pause()
    opened.write([Buffer.alloc(10)])
    await new Promise(resolve => setTimeout(resolve, 30))
    t.equal(received, 0)
    accepted.resume()
    while (received < 10) await new Promise(resolve => setTimeout(resolve, 5))
    t.equal(received, 10)
  })

  test('closing one end closes the other, once', async (t, network) => {
    const { opened, accepted } = await pair(t, network)
    accepted.onData(() => {})
    const ends = [closed(opened), closed(accepted)]
    opened.close()
    opened.close()
    t.match(await ends[0], { code: 'CANCELLED' })
    t.match(await ends[1], { code: 'UNAVAILABLE' })
    t.equal(opened.write([Buffer.alloc(1)]), false)
    t.match(await closed(opened), { code: 'CANCELLED' }, 'also for those who ask late')
  })

  test('a receiver may keep the bytes, and a sender reuse its own once they have arrived', async (t, network) => {
    const { opened, accepted } = await pair(t, network)
    const bytes = Buffer.from('first')
    const received = receive(accepted, 5)
    opened.write([bytes])
    const kept = await received
    bytes.write('other')
    t.equal(String(kept), 'first')
  })

  test('where no one listens a connection is UNAVAILABLE', async (t, network) => {
    const { server, opened } = await pair(t, network)
    const end = closed(opened)
    opened.onData(() => {})
    await server.close()
    await server.close()
    t.match(await end, { code: 'UNAVAILABLE' }, 'closing the server closes its pipes')
    await t.rejects(network.connect(server.address, 1000), { code: 'UNAVAILABLE' })
  })

  test('a busy address is ADDRESS_IN_USE', async (t, network) => {
    const { server } = await pair(t, network)
    await t.rejects(
      network.serve(server.address, () => {}),
      { code: 'ADDRESS_IN_USE' },
    )
  })
}
