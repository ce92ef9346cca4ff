import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import { GrpcListener } from '../../src/rpc/grpc-listener.js'

async function open(t: Test, connectionsMax: number) {
  const accepted: Socket[] = []
  const warnings: [fields: object, message: string][] = []
  const log = { warn: (fields: object, message: string) => warnings.push([fields, message]) }
  const accept = (socket: Socket) => accepted.push(socket)
  const listener = await GrpcListener.open({ listen: { host: '127.0.0.1', port: 0 }, accept, log, connectionsMax })
  t.teardown(() => {
    listener.stop()
    listener.dropAll()
  })
  const dial = async () => {
    const socket = connect(listener.port, '127.0.0.1')
    const closed = once(socket, 'close')
    socket.resume()
    t.teardown(() => socket.destroy())
    await once(socket, 'connect')
    return { socket, closed }
  }
  return { accepted, warnings, listener, dial }
}

t.test('of too many connections the last is refused, until another has ended', async t => {
  const { accepted, warnings, dial } = await open(t, 2)
  const first = await dial()
  await dial()
  const third = await dial()
  await third.closed
  t.equal(accepted.length, 2)
  t.match(warnings, [[{ count: 2 }, 'connection refused: too many']])

  first.socket.destroy()
  await once(accepted[0] as Socket, 'close')
  await dial()
  while (accepted.length < 3) await new Promise(resolve => setTimeout(resolve, 5))
  t.equal(warnings.length, 1)
})

t.test('one connection can be ended by the name of its peer, or all', async t => {
  const { listener, dial } = await open(t, 10)
  const [one, other] = [await dial(), await dial()]
  listener.drop('127.0.0.1:1')
  listener.drop(`127.0.0.1:${one.socket.localPort}`)
  await one.closed
  t.notOk(other.socket.destroyed)
  listener.dropAll()
  await other.closed
  t.ok(other.socket.destroyed)
})

t.test('a port in use is an error', async t => {
  const { listener } = await open(t, 1)
  const again = GrpcListener.open({
    listen: { host: '127.0.0.1', port: listener.port },
    accept: () => {},
    log: { warn: () => {} },
  })
  await t.rejects(again, { code: 'ADDRESS_IN_USE' })
})
