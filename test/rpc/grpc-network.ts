import { spawn } from 'node:child_process'
import { createServer } from 'node:net'
import t from 'tap'
import { SystemClock } from '../../src/base/clock.js'
import { silentLog } from '../../src/base/log.js'
import { stream } from '../../src/rpc/control-network.js'
import { GrpcNetwork } from '../../src/rpc/grpc-network.js'
import { connectTimeoutMs } from '../../src/rpc/limits.js'
import { ChunkserverService } from '../../src/wire/gen/services.js'
import { controlNetworkSuite, follow, hello } from '../suites/control-network.js'

const clock = new SystemClock()
const network = new GrpcNetwork(clock, silentLog)

if (process.argv[2] === 'child') await breakInvariant()
else run()

function run(): void {
  controlNetworkSuite(t, () => network)

  t.test('names are resolved, and an unknown one is INVALID_ARGUMENT', async t => {
    const server = await network.serve({ host: 'localhost', port: 0 }, [])
    await server.close()
    await t.rejects(network.serve({ host: 'no-such-host.invalid', port: 0 }, []), { code: 'INVALID_ARGUMENT' })
    await t.rejects(
      network.serve({ host: '192.0.2.1', port: 0 }, []),
      { code: 'INVALID_ARGUMENT' },
      'not an address of ours',
    )
  })

  t.test('a stream to a peer that accepts and says nothing closes in time', async t => {
    const mute = createServer(socket => t.teardown(() => socket.destroy())).listen(0, '127.0.0.1')
    await new Promise(resolve => mute.once('listening', resolve))
    t.teardown(() => mute.close())
    const address = mute.address()
    if (!address || typeof address === 'string') throw new Error('no address')
    const peer = network.connect({ host: '127.0.0.1', port: address.port })
    t.teardown(() => peer.close())
    const started = clock.now()
    t.match(await follow(peer.open(ChunkserverService.mutate)).end, { code: 'UNAVAILABLE' })
    t.ok(clock.now() - started < connectTimeoutMs + 500)
  })

  t.test('a broken invariant in a handler ends the process', async t => {
    const child = spawn(process.execPath, [...process.execArgv, import.meta.filename, 'child'])
    let stderr = ''
    child.stderr.on('data', text => {
      stderr += text
    })
    const code = await new Promise(resolve => child.once('exit', resolve))
    t.not(code, 0)
    t.match(stderr, /AssertionError.*a broken invariant/s)
  })
}

/** The child's part: a server whose stream handler asserts wrongly. */
async function breakInvariant(): Promise<void> {
  const { default: assert } = await import('node:assert/strict')
  const handler = stream(ChunkserverService.mutate, accepted =>
    accepted.onMessage(() => assert(false, 'a broken invariant')),
  )
  const server = await network.serve({ host: '127.0.0.1', port: 0 }, [handler])
  network.connect(server.address).open(ChunkserverService.mutate).send(hello(1))
}
