// Pushes along a chain of three servers that keep nothing, each a process of
// its own, on loopback TCP; then reads from the first. Checksums on.
// `node dist/bench/dataplane-chain.js`. A bare chain of sockets with crc and
// file writes moved 410–465 MB/s on the 2-core machine this was written on.

import { type ChildProcess, fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { crc32 } from '@node-rs/crc32'
import { SystemClock } from '../src/base/clock.js'
import { silentLog } from '../src/base/log.js'
import { second } from '../src/base/units.js'
import { mutationSizeMax } from '../src/constants.js'
import { createDataClient } from '../src/dataplane/data-client.js'
import type { DataClient } from '../src/dataplane/data-plane.js'
import { serveData } from '../src/dataplane/data-server.js'
import { TcpNetwork } from '../src/dataplane/tcp-network.js'
import type { Address } from '../src/wire/address.js'
import type { ChunkHandle, SessionId } from '../src/wire/ids.js'

const clock = new SystemClock()
const network = new TcpNetwork(clock, silentLog)
const local = { host: '127.0.0.1', port: 0 }
const runMs = 3 * second

if (process.argv[2] === 'server') await serve()
else await measure()

/** Takes pushes and drops them; answers reads from memory. */
async function serve(): Promise<void> {
  const bytes = randomBytes(mutationSizeMax)
  const read = { buffers: [bytes], length: bytes.length, crc32: crc32(bytes) }
  const handler = {
    beginPush: () => ({ write: () => {}, complete: () => {}, abandon: () => {} }),
    read: async () => read,
  }
  const { address } = await serveData({ network, listen: local, handler, clock, log: silentLog, self: () => 'server' })
  process.send?.(address)
  process.on('disconnect', () => process.exit(0))
}

async function measure(): Promise<void> {
  const servers = [1, 2, 3].map(() => fork(import.meta.filename, ['server']))
  const chain = await Promise.all(servers.map(firstMessage))
  const client = createDataClient({ network, clock, log: silentLog })
  for (const inFlight of [1, 4, 8, 16]) {
    for (const length of [1, 2, 3])
      report(`push, chain of ${length}`, inFlight, await pushes(client, chain.slice(0, length), inFlight))
    report('read, 1 MiB', inFlight, await reads(client, chain.slice(0, 1), inFlight))
  }
  client.close()
  for (const server of servers) server.disconnect()
}

function firstMessage(server: ChildProcess): Promise<Address> {
  return new Promise(resolve => server.once('message', message => resolve(message as Address)))
}

function report(what: string, inFlight: number, bytesPerSecond: number): void {
  const figures = `${String(inFlight).padStart(3)} in flight: ${(bytesPerSecond / 1e6).toFixed(0).padStart(5)} MB/s`
  process.stdout.write(`${what.padEnd(18)}${figures}\n`)
}

function pushes(client: DataClient, chain: Address[], inFlight: number): Promise<number> {
  const bytes = randomBytes(mutationSizeMax)
  let counter = 0
  return rate(inFlight, async () => {
    const id = { client: 1 as SessionId, counter: ++counter }
    const outcome = await client.push({ id, chain, buffers: [bytes], length: bytes.length, crc32: crc32(bytes) })
    if (!outcome.ok) throw outcome.error
    return bytes.length
  })
}

function reads(client: DataClient, [server]: Address[], inFlight: number): Promise<number> {
  const request = { handle: 1 as ChunkHandle, version: 1, offset: 0, length: mutationSizeMax }
  return rate(inFlight, async () => (await client.read(server as Address, request)).length)
}

/** Bytes per second that `act` moves, so many at once. */
async function rate(inFlight: number, act: () => Promise<number>): Promise<number> {
  let bytes = 0
  const started = clock.now()
  const worker = async () => {
    while (clock.now() - started < runMs) {
      const moved = await act() // Not in one expression with the sum, which others change meanwhile.
      bytes += moved
    }
  }
  await Promise.all(Array.from({ length: inFlight }, worker))
  return (bytes * second) / (clock.now() - started)
}
