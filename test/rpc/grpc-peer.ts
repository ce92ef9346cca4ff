// What a peer does about connections; what it does with calls is in suites/control-network.ts.

import { Server, ServerCredentials } from '@grpc/grpc-js'
import t from 'tap'
import { SystemClock } from '../../src/base/clock.js'
import { deferred } from '../../src/base/deferred.js'
import { silentLog } from '../../src/base/log.js'
import { unary } from '../../src/rpc/control-network.js'
import { GrpcPeer } from '../../src/rpc/grpc-peer.js'
import { serveGrpc } from '../../src/rpc/grpc-server.js'
import { StatusReply } from '../../src/wire/gen/admin.js'
import { MasterService } from '../../src/wire/gen/services.js'

const clock = new SystemClock()
const { status } = MasterService
const answer = unary(status, async () => StatusReply.decode(Buffer.alloc(0)))
const serve = (port = 0) => serveGrpc({ host: 'localhost', port }, [answer], clock, silentLog)

t.test('a name is as good as an address', async t => {
  const server = await serve()
  t.teardown(() => server.close())
  const peer = new GrpcPeer({ host: 'localhost', port: server.address.port }, clock)
  t.teardown(() => peer.close())
  t.ok(await peer.call(status, {}, { timeoutMs: 5000 }))
  const nobody = new GrpcPeer({ host: 'no-such-host.invalid', port: 1 }, clock)
  t.teardown(() => nobody.close())
  await t.rejects(nobody.call(status, {}, { timeoutMs: 5000 }), { code: 'UNAVAILABLE' })
})

t.test('each call to a peer that was down tries afresh', async t => {
  const first = await serve()
  const peer = new GrpcPeer(first.address, clock)
  t.teardown(() => peer.close())
  await peer.call(status, {}, { timeoutMs: 5000 })
  await first.close()
  for (let attempt = 0; attempt < 5; attempt++) {
    await t.rejects(peer.call(status, {}, { timeoutMs: 5000 }), { code: 'UNAVAILABLE' })
  }
  const second = await serve(first.address.port)
  t.teardown(() => second.close())
  t.ok(await peer.call(status, {}, { timeoutMs: 5000 }), 'the first call after it is back succeeds')
})

t.test('a call whose connection is lost may have been done: TIMEOUT', async t => {
  const calling = deferred<void>()
  const server = new Server()
  const service = { status: MasterService.status }
  server.addService(service, { status: () => calling.resolve() })
  const port = await new Promise<number>(resolve => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (_, port) => resolve(port))
  })
  const peer = new GrpcPeer({ host: '127.0.0.1', port }, clock)
  t.teardown(() => peer.close())
  const call = peer.call(status, {}, { timeoutMs: 5000 })
  await calling.promise
  server.forceShutdown()
  await t.rejects(call, { code: 'TIMEOUT' })
})

t.test('a call that is given up while it connects takes no other with it', async t => {
  const server = await serve()
  t.teardown(() => server.close())
  const peer = new GrpcPeer(server.address, clock)
  t.teardown(() => peer.close())
  const giveUp = new AbortController()
  const first = peer.call(status, {}, { timeoutMs: 5000, signal: giveUp.signal })
  const second = peer.call(status, {}, { timeoutMs: 5000 })
  giveUp.abort()
  await t.rejects(first, { code: 'CANCELLED' })
  t.ok(await second)
})

t.test('a call that was given up before it began is not made', async t => {
  const peer = new GrpcPeer({ host: '127.0.0.1', port: 1 }, clock)
  t.teardown(() => peer.close())
  await t.rejects(peer.call(status, {}, { timeoutMs: 5000, signal: AbortSignal.abort() }), { code: 'CANCELLED' })
})
