// What every ControlNetwork must do.

import type { Test } from 'tap'
import { deferred } from '../../src/base/deferred.js'
import { LeasefsError } from '../../src/base/errors.js'
import { MiB } from '../../src/base/units.js'
import { messageSizeMax } from '../../src/constants.js'
import { type ControlNetwork, type ControlStream, type Handler, stream, unary } from '../../src/rpc/control-network.js'
import { LocateReply, LocateRequest, StatusReply } from '../../src/wire/gen/admin.js'
import type { ClientToPrimary, PrimaryToClient } from '../../src/wire/gen/mutation.js'
import { ChunkserverService, MasterService } from '../../src/wire/gen/services.js'

const { mutate } = ChunkserverService
const { status, locate } = MasterService
const local = { host: '127.0.0.1', port: 0 }

type Opened = ControlStream<ClientToPrimary, PrimaryToClient>
type Accepted = ControlStream<PrimaryToClient, ClientToPrimary>

export function hello(sessionId: number): ClientToPrimary {
  return { message: { $case: 'hello', value: { clusterId: 'c', sessionId } } }
}

export function committed(number: number, text = ''): PrimaryToClient {
  return {
    committed: { number, failure: { code: 'IO', message: text }, firstSerial: 0, missing: [], usage: undefined },
  }
}

const nothing = Buffer.alloc(0)
const emptyStatus = StatusReply.decode(nothing)

function inoRequest(ino: number): LocateRequest {
  return { ...LocateRequest.decode(nothing), ino }
}

function located(handle: number): LocateReply {
  return { ...LocateReply.decode(nothing), chunks: [{ index: 0, handle, version: 1, lease: undefined, replicas: [] }] }
}

function numberOf(message: ClientToPrimary): number {
  return message.message?.$case === 'hello' ? message.message.value.sessionId : -1
}

/** The messages and the end of a stream. */
export function follow<In>(stream: ControlStream<never, In>): { messages: In[]; end: Promise<LeasefsError> } {
  const messages: In[] = []
  const end = deferred<LeasefsError>()
  stream.onMessage(message => messages.push(message))
  stream.onClose(end.resolve)
  return { messages, end: end.promise }
}

export function controlNetworkSuite(t: Test, open: (t: Test) => ControlNetwork): void {
  const test = (name: string, body: (t: Test, network: ControlNetwork) => Promise<void>) =>
    t.test(name, async t => {
      const awake = setInterval(() => {}, 1000) // A Clock's timers keep no process alive.
      t.teardown(() => clearInterval(awake))
      await body(t, open(t))
    })

  /** Serves, connects, and cleans up both. */
  async function pair(t: Test, network: ControlNetwork, ...handlers: Handler[]) {
    const server = await network.serve(local, handlers)
    const peer = network.connect(server.address)
    t.teardown(() => server.close())
    t.teardown(() => peer.close())
    return { server, peer }
  }

  test('a call is answered', async (t, network) => {
    const handle = async ({ ino }: { ino: number }) => located(ino)
    const { peer } = await pair(t, network, unary(locate, handle))
    const reply = await peer.call(locate, inoRequest(2 ** 53 - 1), { timeoutMs: 5000 })
    t.equal(reply.chunks[0]?.handle, 2 ** 53 - 1)
  })

  test('what a handler throws reaches the caller with its code and message', async (t, network) => {
    const handle = async ({ ino }: { ino: number }): Promise<LocateReply> => {
      if (ino === 1) throw new LeasefsError('STALE_VERSION', 'chunk 00a1: version 4 – naïve')
      throw new TypeError('secret detail')
    }
    const { peer } = await pair(t, network, unary(locate, handle))
    const ask = (ino: number) => peer.call(locate, inoRequest(ino), { timeoutMs: 5000 })
    await t.rejects(ask(1), { code: 'STALE_VERSION', message: 'chunk 00a1: version 4 – naïve' })
    await t.rejects(ask(2), { code: 'INTERNAL' })
    await t.rejects(peer.call(status, {}, { timeoutMs: 5000 }), { code: 'NOT_SUPPORTED' }, 'no such method')
  })

  test('a late call is given up, and its handler is told', async (t, network) => {
    const told = deferred<void>()
    const handle = (_: unknown, { signal }: { signal: AbortSignal }) =>
      new Promise<StatusReply>(resolve => {
        signal.addEventListener('abort', () => {
          told.resolve()
          resolve(emptyStatus)
        })
      })
    const { peer } = await pair(
      t,
      network,
      unary(status, handle),
      unary(locate, async () => located(1)),
    )
    await peer.call(locate, inoRequest(1), { timeoutMs: 5000 }) // Connects.
    await t.rejects(peer.call(status, {}, { timeoutMs: 50 }), { code: 'TIMEOUT' })
    await told.promise
    const abort = new AbortController()
    const call = peer.call(status, {}, { timeoutMs: 5000, signal: abort.signal })
    abort.abort()
    await t.rejects(call, { code: 'CANCELLED' })
  })

  test('messages arrive once and in order, both ways', async (t, network) => {
    const echo = (stream: Accepted) => stream.onMessage(message => stream.send(committed(numberOf(message))))
    const { peer } = await pair(t, network, stream(mutate, echo))
    const opened = peer.open(mutate)
    const all = deferred<void>()
    const numbers: number[] = []
    opened.onMessage(({ committed }) => {
      numbers.push(committed?.number ?? -1)
      if (numbers.length === 1000) all.resolve()
    })
    for (let number = 0; number < 1000; number++) opened.send(hello(number))
    await all.promise
    t.same(numbers, [...Array(1000).keys()])
  })

  test('a message is what it was when it was sent', async (t, network) => {
    const { peer } = await pair(
      t,
      network,
      stream(mutate, s => s.onMessage(m => s.send(committed(numberOf(m))))),
    )
    const opened = peer.open(mutate)
    const reply = new Promise<PrimaryToClient>(resolve => opened.onMessage(resolve))
    const message = hello(1)
    opened.send(message)
    if (message.message?.$case === 'hello') message.message.value.sessionId = 2
    t.equal((await reply).committed?.number, 1)
  })

  test('messages that come before onMessage() wait for it', async (t, network) => {
    const accepted = deferred<Accepted>()
    const { peer } = await pair(t, network, stream(mutate, accepted.resolve))
    const opened = peer.open(mutate)
    for (let number = 1; number <= 40; number++) opened.send(hello(number))
    const server = await accepted.promise
    server.send(committed(1))
    await new Promise(resolve => setTimeout(resolve, 50))
    opened.send(hello(41))
    const numbers: number[] = []
    const all = deferred<void>()
    server.onMessage(message => numbers.push(numberOf(message)) === 41 && all.resolve())
    t.same(numbers, [], 'nothing is delivered within onMessage()')
    await all.promise
    t.same(
      numbers,
      [...Array(41).keys()].map(n => n + 1),
    )
    t.equal((await new Promise<PrimaryToClient>(resolve => opened.onMessage(resolve))).committed?.number, 1)
  })

  test('the server ends a stream with a reason, after what it sent', async (t, network) => {
    const end = (stream: Accepted) => {
      for (let number = 0; number < 100; number++) stream.send(committed(number))
      stream.close(new LeasefsError('WRONG_CLUSTER', 'this is cluster b'))
      stream.send(committed(100))
    }
    const { peer } = await pair(t, network, stream(mutate, end))
    const { messages, end: ended } = follow(peer.open(mutate))
    t.match(await ended, { code: 'WRONG_CLUSTER', message: 'this is cluster b' })
    t.equal(messages.length, 100)
  })

  test('the opener ends a stream: the server gets what was sent, and a clean end', async (t, network) => {
    const accepted = deferred<Accepted>()
    const { peer } = await pair(t, network, stream(mutate, accepted.resolve))
    const opened = peer.open(mutate)
    const { end } = follow(opened)
    for (let number = 0; number < 100; number++) opened.send(hello(number))
    opened.close(new LeasefsError('SESSION_LOST', 'known here only'))
    const { messages, end: serverEnd } = follow(await accepted.promise)
    t.match(await end, { code: 'SESSION_LOST' })
    t.match(await serverEnd, { code: 'CANCELLED' })
    t.equal(messages.length, 100)
  })

  test('a clean end by the server is CANCELLED at both ends', async (t, network) => {
    const serverEnd = deferred<LeasefsError>()
    const handle = (stream: Accepted) => {
      stream.onClose(serverEnd.resolve)
      stream.close()
    }
    const { peer } = await pair(t, network, stream(mutate, handle))
    t.match(await follow(peer.open(mutate)).end, { code: 'CANCELLED' })
    t.match(await serverEnd.promise, { code: 'CANCELLED' })
  })

  test('an end is told once, never within a call, and also to those who ask late', async (t, network) => {
    const { peer } = await pair(
      t,
      network,
      stream(mutate, () => {}),
    )
    const opened = peer.open(mutate)
    let calls = 0
    opened.onClose(() => calls++)
    opened.close()
    opened.close()
    t.equal(calls, 0)
    await new Promise(resolve => setImmediate(resolve))
    t.equal(calls, 1)
    opened.send(hello(1))
    t.match(await new Promise(resolve => opened.onClose(resolve)), { code: 'CANCELLED' })
  })

  test('what a stream handler throws ends the stream', async (t, network) => {
    const handle = (stream: Accepted) =>
      stream.onMessage(message => {
        if (numberOf(message) === 2) throw new LeasefsError('NOT_PRIMARY', 'no lease')
        stream.send(committed(numberOf(message)))
      })
    const { peer } = await pair(t, network, stream(mutate, handle))
    const opened = peer.open(mutate)
    const { messages, end } = follow(opened)
    for (const number of [1, 2, 3]) opened.send(hello(number))
    t.match(await end, { code: 'NOT_PRIMARY' })
    t.equal(messages.length, 1)
  })

  test('a handler that throws at once refuses the stream', async (t, network) => {
    const handle = () => {
      throw new LeasefsError('UNAVAILABLE', 'not yet')
    }
    const { peer } = await pair(t, network, stream(mutate, handle))
    t.match(await follow(peer.open(mutate)).end, { code: 'UNAVAILABLE', message: 'not yet' })
  })

  test('a malformed message ends the stream as INVALID_ARGUMENT', async (t, network) => {
    const serverEnd = deferred<LeasefsError>()
    const { peer } = await pair(
      t,
      network,
      stream(mutate, s => s.onClose(serverEnd.resolve)),
    )
    const opened = peer.open({ ...mutate, requestSerialize: () => Buffer.from('ffffffffff', 'hex') })
    opened.send(hello(1))
    t.match(await follow(opened).end, { code: 'INVALID_ARGUMENT' })
    t.match(await serverEnd.promise, { code: 'INVALID_ARGUMENT' })
  })

  test('a message may be large, but not larger than messageSizeMax', async (t, network) => {
    const echo = (stream: Accepted) => stream.onMessage(message => stream.send(committed(numberOf(message))))
    const { peer } = await pair(t, network, stream(mutate, echo))
    const opened: Opened = peer.open(mutate)
    const { messages, end } = follow(opened)
    const large = (length: number): ClientToPrimary => ({
      message: { $case: 'hello', value: { clusterId: 'x'.repeat(length), sessionId: 7 } },
    })
    opened.send(large(messageSizeMax - (1 * MiB) / 4))
    while (messages.length === 0) await new Promise(resolve => setTimeout(resolve, 5))
    opened.send(large(messageSizeMax))
    t.match(await end, { code: 'TOO_BIG' })
  })

  test('where no one listens calls and streams are UNAVAILABLE', async (t, network) => {
    const { server, peer } = await pair(t, network)
    await server.close()
    await t.rejects(peer.call(status, {}, { timeoutMs: 5000 }), { code: 'UNAVAILABLE' })
    t.match(await follow(peer.open(mutate)).end, { code: 'UNAVAILABLE' })
    t.equal(await network.probe(server.address, 1000), 'refused')
  })

  test('a peer that comes back is reached at once', async (t, network) => {
    const { server, peer } = await pair(
      t,
      network,
      stream(mutate, () => {}),
    )
    t.equal(await network.probe(server.address, 1000), 'listening')
    const first = follow(peer.open(mutate))
    await new Promise(resolve => setTimeout(resolve, 50))
    await server.close()
    t.match(await first.end, { code: 'UNAVAILABLE' })
    for (let attempt = 0; attempt < 3; attempt++) t.match(await follow(peer.open(mutate)).end, { code: 'UNAVAILABLE' })

    const reached = deferred<void>()
    const again = await network.serve(server.address, [stream(mutate, () => reached.resolve())])
    t.teardown(() => again.close())
    peer.open(mutate)
    const started = performance.now()
    await reached.promise
    t.ok(performance.now() - started < 500)
  })

  test('closing a server ends its streams and waits for its calls', async (t, network) => {
    const calling = deferred<void>()
    const answer = deferred<StatusReply>()
    const handle = () => {
      calling.resolve()
      return answer.promise
    }
    const { server, peer } = await pair(
      t,
      network,
      stream(mutate, () => {}),
      unary(status, handle),
    )
    const streams = [1, 2, 3].map(() => follow(peer.open(mutate)))
    const call = peer.call(status, {}, { timeoutMs: 5000 })
    await calling.promise
    let closed = false
    const closing = server.close().then(() => {
      closed = true
    })
    for (const { end } of streams) t.match(await end, { code: 'UNAVAILABLE' })
    t.notOk(closed)
    answer.resolve({ ...emptyStatus, goal: 3 })
    t.equal((await call).goal, 3)
    await closing
    await server.close()
  })

  test('closing a peer ends its streams and calls', async (t, network) => {
    const accepted = deferred<Accepted>()
    const never = new Promise<StatusReply>(() => {})
    const server = await network.serve(local, [stream(mutate, accepted.resolve), unary(status, () => never)])
    t.teardown(() => server.close())
    const peer = network.connect(server.address)
    const opened = peer.open(mutate)
    const { end } = follow(opened)
    const call = peer.call(status, {}, { timeoutMs: 5000 })
    const serverSide = follow(await accepted.promise)
    opened.send(hello(1))
    peer.close()
    peer.close()
    await t.rejects(call, { code: 'CANCELLED' })
    t.match(await end, { code: 'CANCELLED' })
    t.match(await serverSide.end, { code: 'CANCELLED' })
    t.equal(serverSide.messages.length, 1, 'what was sent before has arrived')
    t.match(await follow(peer.open(mutate)).end, { code: 'CANCELLED' })
    await t.rejects(peer.call(status, {}, { timeoutMs: 5000 }), { code: 'CANCELLED' })
  })

  test('a busy address is ADDRESS_IN_USE', async (t, network) => {
    const { server } = await pair(t, network)
    const again = network.serve(server.address, [])
    await t.rejects(again, { code: 'ADDRESS_IN_USE', message: /127.0.0.1:\d+ is in use/ })
  })
}
