import { spawn } from 'node:child_process'
import { createServer } from 'node:net'
import t, { type Test } from 'tap'
import { SystemClock } from '../../src/base/clock.js'
import { deferred } from '../../src/base/deferred.js'
import type { LeasefsError } from '../../src/base/errors.js'
import { silentLog } from '../../src/base/log.js'
import { stream } from '../../src/rpc/control-network.js'
import { GrpcNetwork } from '../../src/rpc/grpc-network.js'
import { connectTimeoutMs, keepaliveMs, keepaliveTimeoutMs } from '../../src/rpc/limits.js'
import { ChunkserverService, MasterService } from '../../src/wire/gen/services.js'
import { controlNetworkSuite, follow, hello } from '../suites/control-network.js'

const { mutate } = ChunkserverService
const host = '127.0.0.1'
const clock = new SystemClock()
const network = new GrpcNetwork(clock, silentLog)

if (process.argv[2] === 'assert') await breakInvariant()
else if (process.argv[2] === 'serve') await serveForever()
else if (process.argv[2] === 'open')
  network
    .connect({ host, port: Number(process.argv[3]) })
    .open(mutate)
    .send(hello(1))
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
    const mute = createServer(socket => t.teardown(() => socket.destroy())).listen(0, host)
    await new Promise(resolve => mute.once('listening', resolve))
    t.teardown(() => mute.close())
    const address = mute.address()
    if (!address || typeof address === 'string') throw new Error('no address')
    const peer = network.connect({ host, port: address.port })
    t.teardown(() => peer.close())
    const started = clock.now()
    t.match(await follow(peer.open(mutate)).end, { code: 'UNAVAILABLE' })
    t.ok(clock.now() - started < connectTimeoutMs + 500)
  })

  t.test('a process that is killed is gone at once, one that stands still after a while', async t => {
    for (const [signal, msMax] of [
      ['SIGKILL', 1000],
      ['SIGSTOP', keepaliveMs + keepaliveTimeoutMs + 1000],
    ] as const) {
      const server = start(t, 'serve')
      const port = Number(await new Promise(resolve => server.stdout.once('data', resolve)))
      const peer = network.connect({ host, port })
      const opened = follow(peer.open(mutate))
      await peer.call(MasterService.status, {}, { timeoutMs: 5000 }).catch(() => {}) // Connected now.
      const killedAt = clock.now()
      server.kill(signal)
      t.match(await opened.end, { code: 'UNAVAILABLE' }, signal)
      t.ok(clock.now() - killedAt < msMax)
      peer.close()
    }
  })

  t.test('a client that is killed is UNAVAILABLE to the server', async t => {
    const end = deferred<LeasefsError>()
    const greeted = deferred<void>()
    const handler = stream(mutate, accepted => {
      accepted.onMessage(() => greeted.resolve())
      accepted.onClose(end.resolve)
    })
    const server = await network.serve({ host, port: 0 }, [handler])
    t.teardown(() => server.close())
    const client = start(t, 'open', String(server.address.port))
    await greeted.promise
    client.kill('SIGKILL')
    t.match(await end.promise, { code: 'UNAVAILABLE' })
  })

  t.test('a broken invariant in a handler ends the process', async t => {
    const child = start(t, 'assert')
    let stderr = ''
    child.stderr.on('data', text => {
      stderr += text
    })
    const code = await new Promise(resolve => child.once('exit', resolve))
    t.not(code, 0)
    t.match(stderr, /AssertionError.*a broken invariant/s)
  })
}

/** This file, as another process with another part. */
function start(t: Test, ...part: string[]) {
  const child = spawn(process.execPath, [...process.execArgv, import.meta.filename, ...part])
  t.teardown(() => child.kill('SIGKILL'))
  return child
}

/** The child's part: a server that takes streams. It says its port. */
async function serveForever(): Promise<void> {
  const { address } = await network.serve({ host, port: 0 }, [stream(mutate, () => {})])
  process.stdout.write(`${address.port}\n`)
}

/** The child's part: a server whose stream handler asserts wrongly. */
async function breakInvariant(): Promise<void> {
  const { default: assert } = await import('node:assert/strict')
  const handler = stream(mutate, accepted => accepted.onMessage(() => assert(false, 'a broken invariant')))
  const server = await network.serve({ host, port: 0 }, [handler])
  network.connect(server.address).open(mutate).send(hello(1))
}
