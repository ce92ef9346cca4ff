// Our server as another implementation of gRPC sees it.

import { Client, credentials, Metadata, type ServiceError, type StatusObject, status } from '@grpc/grpc-js'
import t, { type Test } from 'tap'
import { SystemClock } from '../../src/base/clock.js'
import { LeasefsError } from '../../src/base/errors.js'
import { silentLog } from '../../src/base/log.js'
import { type Handler, stream, unary } from '../../src/rpc/control-network.js'
import { serveGrpc } from '../../src/rpc/grpc-server.js'
import { ChunkserverService, MasterService } from '../../src/wire/gen/services.js'

const { mutate } = ChunkserverService
const asIs = (bytes: Buffer) => bytes

/** A plain gRPC client of a server with one handler. */
async function serve(t: Test, handler: Handler) {
  const server = await serveGrpc({ host: '127.0.0.1', port: 0 }, [handler], new SystemClock(), silentLog)
  const client = new Client(`127.0.0.1:${server.address.port}`, credentials.createInsecure())
  t.teardown(() => server.close())
  t.teardown(() => client.close())
  const call = (path: string) =>
    new Promise<ServiceError | undefined>(resolve => {
      client.makeUnaryRequest(path, asIs, asIs, Buffer.alloc(0), error => resolve(error ?? undefined))
    })
  return { client, call }
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
