// Round trips per second on one control stream, caller and server in processes
// of their own: `node dist/bench/control-round-trips.js`.

import { fork } from 'node:child_process'
import { SystemClock } from '../src/base/clock.js'
import { silentLog } from '../src/base/log.js'
import { second } from '../src/base/units.js'
import { type ControlStream, stream } from '../src/rpc/control-network.js'
import { GrpcNetwork } from '../src/rpc/grpc-network.js'
import type { ClientToPrimary, PrimaryToClient } from '../src/wire/gen/mutation.js'
import { ChunkserverService } from '../src/wire/gen/services.js'

const clock = new SystemClock()
const network = new GrpcNetwork(clock, silentLog)
const local = { host: '127.0.0.1', port: 0 }
const runMs = 3 * second

if (process.argv[2] === 'server') await serve()
else await measure()

/** Answers every commit at once. */
async function serve(): Promise<void> {
  const handler = stream(ChunkserverService.mutate, accepted =>
    accepted.onMessage(({ message }) => {
      if (message?.$case === 'commit') accepted.send(answer(message.value.number))
    }),
  )
  const { address } = await network.serve(local, [handler])
  process.send?.(address.port)
  process.on('disconnect', () => process.exit(0))
}

async function measure(): Promise<void> {
  const server = fork(import.meta.filename, ['server'])
  const port = await new Promise<number>(resolve => server.once('message', resolve as (port: unknown) => void))
  const peer = network.connect({ ...local, port })
  for (const inFlight of [1, 8, 32, 128]) {
    const perSecond = await roundTrips(peer.open(ChunkserverService.mutate), inFlight)
    process.stdout.write(`${String(inFlight).padStart(4)} in flight: ${Math.round(perSecond)} round trips/s\n`)
  }
  peer.close()
  server.disconnect()
}

async function roundTrips(stream: ControlStream<ClientToPrimary, PrimaryToClient>, inFlight: number): Promise<number> {
  let count = 0
  const started = clock.now()
  await new Promise<void>(resolve => {
    stream.onMessage(() => {
      count++
      if (clock.now() - started < runMs) stream.send(commit(count))
      else resolve()
    })
    for (let number = 0; number < inFlight; number++) stream.send(commit(number))
  })
  stream.close()
  return (count * second) / (clock.now() - started)
}

function commit(number: number): ClientToPrimary {
  const write = { offset: 0, length: 4096 }
  const mutation = { id: { client: 1, counter: number }, kind: { $case: 'write' as const, value: write } }
  return { message: { $case: 'commit', value: { number, handle: 1, version: 1, mutations: [mutation] } } }
}

function answer(number: number): PrimaryToClient {
  return { committed: { number, failure: undefined, firstSerial: number, missing: [], usage: undefined } }
}
