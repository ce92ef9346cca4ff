// Our streams with a server of another implementation, which may end them with
// any status.

import { Server, ServerCredentials, type ServerDuplexStream, status } from '@grpc/grpc-js'
import t, { type Test } from 'tap'
import { SystemClock } from '../../src/base/clock.js'
import type { LeasefsError } from '../../src/base/errors.js'
import { GrpcPeer } from '../../src/rpc/grpc-peer.js'
import { streamLingerMs } from '../../src/rpc/limits.js'
import { ChunkserverService } from '../../src/wire/gen/services.js'
import { hello } from '../suites/control-network.js'

const { mutate } = ChunkserverService
const clock = new SystemClock()

/** A stream of ours with a plain gRPC server that does `handle`. */
async function open(t: Test, handle: (call: ServerDuplexStream<unknown, unknown>) => void) {
  const server = new Server()
  server.addService({ mutate }, { mutate: handle })
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) =>
      error ? reject(error) : resolve(port),
    )
  })
  const peer = new GrpcPeer({ host: '127.0.0.1', port }, clock)
  t.teardown(() => peer.close())
  t.teardown(() => server.forceShutdown())
  const stream = peer.open(mutate)
  const end = new Promise<LeasefsError>(resolve => stream.onClose(resolve))
  return { stream, end, server }
}

t.test('a status of another server is told by its number', async t => {
  const { end } = await open(t, call => call.emit('error', { code: status.UNIMPLEMENTED, details: 'not here' }))
  t.match(await end, { code: 'NOT_SUPPORTED', message: /not here/ })
})

t.test('a server that dies is UNAVAILABLE', async t => {
  const { stream, end, server } = await open(t, call => call.on('data', () => server.forceShutdown()))
  stream.send(hello(1))
  t.match(await end, { code: 'UNAVAILABLE' })
})

t.test('a server that does not answer our end is left after a while', async t => {
  let cancelled = () => {}
  const left = new Promise<void>(resolve => {
    cancelled = resolve
  })
  const got: unknown[] = []
  const { stream, end } = await open(t, call => {
    call.on('data', message => got.push(message))
    call.on('cancelled', () => cancelled())
  })
  stream.send(hello(1))
  stream.close()
  t.match(await end, { code: 'CANCELLED' })
  const started = clock.now()
  const awake = setInterval(() => {}, 100)
  await left
  clearInterval(awake)
  t.ok(clock.now() - started >= streamLingerMs - 50)
  t.equal(got.length, 1)
})
