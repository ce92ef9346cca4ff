// leasefs-chunkserver: stores replicas of chunks in one directory.

import { join } from 'node:path'
import { Option } from 'commander'
import { openDataDirectory } from '../base/data-directory.js'
import { LeasefsError } from '../base/errors.js'
import { hour } from '../base/units.js'
import { startChunkserver } from '../chunkserver/daemon.js'
import { FaultyStore } from '../chunkserver/faults/faulty-store.js'
import { planFile } from '../chunkserver/faults/plan-file.js'
import { scrubRateDefault } from '../chunkserver/limits.js'
import { scrubStateFile } from '../chunkserver/scrub/scrub-state.js'
import type { ChunkStore } from '../chunkserver/store/chunk-store.js'
import { DiskStore } from '../chunkserver/store/disk-store.js'
import { formatVersion } from '../constants.js'
import { type Address, addressText } from '../wire/address.js'
import type { Location } from '../wire/location.js'
import { type Daemon, runDaemon, type Surroundings } from './daemon.js'
import {
  addDaemonOptions,
  byteCount,
  type DaemonOptions,
  duration,
  listenAddress,
  location,
  locationDefault,
  masterAddressDefault,
  peerAddress,
  waitDefaultMs,
} from './options.js'
import { program, runProgram } from './program.js'

const name = 'leasefs-chunkserver'

interface Options extends DaemonOptions {
  readonly data: string
  readonly master: Address
  readonly listen: Address
  readonly dataListen?: Address
  readonly location: Location
  readonly wait: number
  readonly scrubRate: number
  /** A plan of faults for a test (docs/TESTING.md). */
  readonly testFaults?: string
}

export async function main(): Promise<void> {
  const command = program(name, 'Stores replicas of chunks, receives and forwards pushes, orders mutations.')
    .requiredOption('--data <dir>', 'directory of the replicas; made if it is missing')
    .option('--master <address>', 'HOST:PORT of the master', peerAddress, masterAddressDefault)
    .option('--listen <address>', 'HOST:PORT for control messages', listenAddress, { host: '127.0.0.1', port: 0 })
    .option(
      '--data-listen <address>',
      'HOST:PORT for file data (default: the host of --listen, any port)',
      listenAddress,
    )
    .option('--location <label>', 'where this server is: /dc/rack/host', location, locationDefault())
    .option('--wait <time>', 'how long to wait for the master at the start', duration(0, hour), waitDefaultMs)
    .option(
      '--scrub-rate <size>',
      'how much of the replicas to read and verify a second, in idle time; 0: none',
      byteCount,
      scrubRateDefault,
    )
    .addOption(new Option('--test-faults <file>', 'let the disk fail as this file says').hideHelp())
  addDaemonOptions(command).action((options: Options) => runDaemon(name, options, around => start(options, around)))
  await runProgram(command)
}

async function start(options: Options, around: Surroundings): Promise<Daemon> {
  const { clock, random, log, control, data, trace, identify } = around
  const dataDirectory = await openDataDirectory(options.data, 'chunkserver', { formatVersion, clock, random })
  const { listen, master, location, dataListen = { host: listen.host, port: 0 } } = options
  try {
    const state = scrubStateFile(join(options.data, 'scrub.json'), log)
    const scrub = { bytesPerSecond: options.scrubRate, state }
    const settings = { listen, dataListen, master, location, scrub, store: await openStore(options, around) }
    const server = await startChunkserver({ dataDirectory, control, data, clock, random, log, trace, ...settings })
    identify(() => server.serverId)
    const close = async () => {
      await server.close()
      await dataDirectory.close()
    }
    const failure = await registered(server, options, around)
    if (failure) {
      await close()
      throw failure
    }
    const where = `listening on ${addressText(server.address)}, data on ${addressText(server.dataAddress)}`
    return { ready: `server ${server.serverId}, ${where}`, closed: server.closed, close }
  } catch (reason) {
    await dataDirectory.close()
    throw reason
  }
}

/** The replicas are in "chunks" in the data directory. */
async function openStore({ data, testFaults }: Options, { clock, log }: Surroundings): Promise<ChunkStore> {
  const plan = testFaults === undefined ? undefined : planFile(testFaults, log)
  const store = await DiskStore.open({ directory: join(data, 'chunks'), clock, log })
  return plan ? new FaultyStore({ store, plan, clock }) : store
}

/** Why the server is not known to its master, if it isn't after the wait. */
async function registered(
  server: { readonly ready: Promise<void>; readonly closed: Promise<LeasefsError | undefined> },
  { master, wait }: Options,
  { clock }: Surroundings,
): Promise<LeasefsError | undefined> {
  const late = new AbortController()
  const tooLate = clock.sleep(wait, late.signal).then(
    () => new LeasefsError('UNAVAILABLE', `master ${addressText(master)} is not reachable`),
    () => undefined,
  )
  const failure = await Promise.race([server.ready.then(() => undefined), server.closed, tooLate])
  late.abort()
  return failure
}
