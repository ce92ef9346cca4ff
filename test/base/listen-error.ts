import { createServer } from 'node:net'
import t from 'tap'
import { listenError } from '../../src/base/listen-error.js'

/** What the system says of a listener that it does not open. */
function failure(listen: { port: number; host: string }): Promise<NodeJS.ErrnoException> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', resolve)
    server.listen(listen, () => server.close(() => reject(new Error('it listens'))))
  })
}

t.test('why a port can not be opened is told', async t => {
  const first = createServer().listen({ port: 0, host: '127.0.0.1' })
  t.teardown(() => first.close())
  await new Promise(resolve => first.once('listening', resolve))
  const { port } = first.address() as { port: number }
  const taken = listenError(`127.0.0.1:${port}`, await failure({ host: '127.0.0.1', port }))
  t.match(taken, { code: 'ADDRESS_IN_USE', message: `127.0.0.1:${port} is in use by another process` })
  const elsewhere = listenError('192.0.2.1:1', await failure({ host: '192.0.2.1', port: 1 }))
  t.match(elsewhere, { code: 'INVALID_ARGUMENT', message: /^cannot listen on 192\.0\.2\.1:1: / })
  t.equal(listenError('x:1', Object.assign(new Error('no'), { code: 'EACCES' })).code, 'PERMISSION_DENIED')
})
