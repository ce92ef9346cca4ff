// Our server as another implementation of gRPC sees it.

import { once } from 'node:events'
import { connect as connectHttp2 } from 'node:http2'
import { connect } from 'node:net'
import { Client, credentials, Metadata, type ServiceError, type StatusObject, status } from '@grpc/grpc-js'
import { pino } from 'pino'
import t, { type Test } from 'tap'
import { type Clock, SystemClock } from '../../src/base/clock.js'
import { LeasefsError } from '../../src/base/errors.js'
import { SimulatedClock } from '../../src/base/simulated-clock.js'
import { KiB, MiB } from '../../src/base/units.js'
import { type Handler, stream, unary } from '../../src/rpc/control-network.js'
import { serveGrpc } from '../../src/rpc/grpc-server.js'
import { lookMs, messageMs, serverLingerMs } from '../../src/rpc/limits.js'
import { RequestMeters } from '../../src/rpc/request-meter.js'
import { ChunkserverService, MasterService } from '../../src/wire/gen/services.js'
import { committed } from '../suites/control-network.js'

const { mutate } = ChunkserverService
const asIs = (bytes: Buffer) => bytes

/** A plain gRPC client of a server with one handler. */
async function serve(t: Test, handler: Handler, clock: Clock = new SystemClock(), meters?: RequestMeters) {
  const lines: { readonly msg: string; readonly reason?: string }[] = []
  const log = pino({ level: 'warn' }, { write: (line: string) => lines.push(JSON.parse(line)) })
  const server = await serveGrpc({ host: '127.0.0.1', port: 0 }, [handler], clock, log, meters)
  const client = new Client(`127.0.0.1:${server.address.port}`, credentials.createInsecure())
  t.teardown(() => server.close())
  t.teardown(() => client.close())
  const call = (path: string, request = Buffer.alloc(0)) =>
    new Promise<ServiceError | undefined>(resolve => {
      client.makeUnaryRequest(path, asIs, asIs, request, error => resolve(error ?? undefined))
    })
  return { client, call, lines, port: server.address.port }
}

t.test('a failed call has a status that fits, and our code in its metadata', async t => {
  const { call } = await serve(
    t,
    unary(MasterService.locate, async () => {
      throw new LeasefsError('STALE_VERSION', 'version 4')
    }),
  )
  const error = await call(MasterService.locate.path)
  t.match(error, { code: status.FAILED_PRECONDITION, details: 'version 4' })
  t.same(error?.metadata.get('leasefs-code'), ['STALE_VERSION'])
  t.match(await call('/leasefs.Master/NoSuchMethod'), { code: status.UNIMPLEMENTED })
})

t.test('a stream ends with OK, and the reason in its trailers', async t => {
  const { client } = await serve(
    t,
    stream(mutate, accepted => accepted.close(new LeasefsError('WRONG_CLUSTER', 'cluster b'))),
  )
  const call = client.makeBidiStreamRequest(mutate.path, asIs, asIs)
  call.resume()
  const { code, metadata } = await new Promise<StatusObject>(resolve => call.once('status', resolve))
  t.equal(code, status.OK)
  t.same(metadata.get('leasefs-code'), ['WRONG_CLUSTER'])
  t.same(metadata.get('leasefs-message-bin'), [Buffer.from('cluster b')])
})

t.test('a client that cancels is gone: UNAVAILABLE', async t => {
  let ended = (_: LeasefsError) => {}
  const end = new Promise<LeasefsError>(resolve => {
    ended = resolve
  })
  const { client } = await serve(
    t,
    stream(mutate, accepted => {
      accepted.onClose(ended)
      accepted.send({ committed: undefined })
    }),
  )
  const call = client.makeBidiStreamRequest(mutate.path, asIs, asIs, new Metadata())
  call.on('error', () => {})
  call.once('data', () => call.cancel())
  t.match(await end, { code: 'UNAVAILABLE' })
})

t.test('a message that does not parse is the fault of who sent it, and one line', async t => {
  const { call, lines } = await serve(
    t,
    unary(MasterService.locate, async () => Promise.reject(new Error('it got through'))),
  )
  const error = await call(MasterService.locate.path, Buffer.from([0x0a, 0x7f]))
  t.match(error, { code: status.INVALID_ARGUMENT, details: /malformed message/ })
  t.match(lines, [{ msg: 'malformed message', path: MasterService.locate.path }])
})

t.test('what a failure repeats of a request does not make its answer large', async t => {
  const { call } = await serve(
    t,
    unary(MasterService.repair, async ({ server }) => {
      throw new LeasefsError('NOT_FOUND', `no server ${server.slice(0, 10_001)}`)
    }),
  )
  const request = Buffer.concat([Buffer.from([0x0a, 0xa8, 0xc3, 0x01]), Buffer.from('😀'.repeat(6250))])
  const error = await call(MasterService.repair.path, request)
  t.match(error, { code: status.NOT_FOUND, details: /^no server / })
  t.ok((error?.details.length ?? 0) <= 1024)
})

t.test('a connection that is no HTTP/2 is closed with one line', async t => {
  const { lines, port } = await serve(
    t,
    unary(MasterService.locate, async () => Promise.reject(new Error())),
  )
  const socket = connect(port, '127.0.0.1')
  socket.resume()
  socket.write('GET / HTTP/1.1\r\nHost: leasefs\r\n\r\n')
  await once(socket, 'close')
  t.match(lines, [{ msg: 'connection closed: not HTTP/2' }])
})

/** An HTTP/2 connection, and calls on it of which a message has begun. */
async function begin(t: Test, port: number, calls: number, bytes: number) {
  const session = connectHttp2(`http://127.0.0.1:${port}`)
  t.teardown(() => session.destroy())
  session.on('error', () => {})
  const headers = { ':method': 'POST', ':path': mutate.path, 'content-type': 'application/grpc', te: 'trailers' }
  for (let i = 0; i < calls; i++) {
    const call = session.request(headers)
    call.on('error', () => {})
    call.write(Buffer.concat([Buffer.from([0, 0, 0x3f, 0xff, 0xff]), Buffer.alloc(bytes)]))
  }
  return session
}

t.test('a call that begins a message and does not end it costs its connection', async t => {
  const clock = new SimulatedClock()
  let opened = 0
  const handler = stream(mutate, () => {
    opened++
  })
  const { lines, port } = await serve(t, handler, clock)
  const session = await begin(t, port, 3, 10)
  while (opened < 3) await new Promise(resolve => setTimeout(resolve, 5))
  const closed = new Promise(resolve => session.once('close', resolve))
  await clock.advance(messageMs - 1)
  t.same(lines, [])
  await clock.advance(2 * lookMs)
  await closed
  t.match(lines, [{ msg: 'connection closed', reason: /has not come/ }])
})

t.test('messages that have begun on many calls take so much memory together', async t => {
  const { lines, port } = await serve(
    t,
    stream(mutate, () => {}),
    undefined,
    new RequestMeters(1 * MiB),
  )
  const session = await begin(t, port, 4, 200 * KiB)
  await new Promise(resolve => setTimeout(resolve, 100))
  t.notOk(session.destroyed)
  const other = await begin(t, port, 3, 200 * KiB)
  const closed = [session, other].map(session => new Promise(resolve => session.once('close', resolve)))
  await Promise.race(closed)
  t.match(lines[0], { msg: 'connection closed', reason: /too much was begun/ })
})

t.test('who takes nothing of what is sent to it loses its connection', async t => {
  const message = committed(1, 'x'.repeat(1 * MiB))
  const cases: [name: string, count: number, reason: RegExp][] = [
    ['while the stream goes on', 65, /takes no messages/],
    ['at its end', 1, /is not taken/],
  ]
  for (const [name, count, reason] of cases) {
    const clock = new SimulatedClock()
    const handler = stream(mutate, accepted => {
      for (let i = 0; i < count; i++) accepted.send(message)
      if (count === 1) accepted.close()
    })
    const { lines, port } = await serve(t, handler, clock)
    const session = connectHttp2(`http://127.0.0.1:${port}`)
    t.teardown(() => session.destroy())
    session.on('error', () => {})
    const closed = new Promise(resolve => session.once('close', resolve))
    const headers = { ':method': 'POST', ':path': mutate.path, 'content-type': 'application/grpc', te: 'trailers' }
    const call = session.request(headers)
    call.on('error', () => {})
    call.write(Buffer.alloc(5))
    await Promise.race([new Promise(resolve => call.once('response', resolve)), closed])
    await clock.advance(serverLingerMs)
    await closed
    t.match(lines, [{ msg: 'connection closed', reason }], name)
  }
})
