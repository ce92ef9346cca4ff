// leasefs-mount: a cluster's files as a directory.
//
// For root on Linux the process that is started is the keeper: it opens
// /dev/fuse and leaves everything else to a worker, which it starts with the same
// arguments and the descriptors. So it is small, and has nothing to die of.
// Otherwise there is one process, which is the worker.

import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { closeSync, openSync, unlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { Option } from 'commander'
import { SystemClock } from '../base/clock.js'
import { deferred } from '../base/deferred.js'
import { LeasefsError } from '../base/errors.js'
import { openLog } from '../base/log.js'
import { hour } from '../base/units.js'
import { fuseDevice } from '../fuse/prerequisites.js'
import type { Exit } from './exit.js'
import { Keeper, type Worker } from './keeper.js'
import { abandonMs } from './limits.js'
import { lingeringDeath } from './lingering-death.js'
import { addMountOptions } from './mount-options.js'
import type { MountOptions } from './mount-worker.js'
import {
  addDaemonOptions,
  duration,
  location,
  locationDefault,
  masterAddressDefault,
  peerAddress,
  waitDefaultMs,
} from './options.js'

import { program, report, runProgram } from './program.js'

const name = 'leasefs-mount'

/** Descriptors as which the worker gets what the keeper holds. */
const deviceDescriptor = 3
const memoryDescriptor = 4

/** Only processes die here, not machines: so a disk will do, too. */
const memoryDirectories = ['/dev/shm', '/run', tmpdir()]

interface Options extends MountOptions {
  /** This is a worker. */
  readonly kept?: 'first' | 'next'
}

export async function main(): Promise<void> {
  const command = program(name, "Mounts a cluster's files on a directory, until it is unmounted or told to stop.")
    .argument('<mountpoint>', 'an empty directory')
    .option('--master <address>', 'HOST:PORT of the master', peerAddress, masterAddressDefault)
    .option('--location <label>', 'where this client is: /dc/rack/host', location, locationDefault())
    .option('--wait <time>', 'how long to wait for the master at the start', duration(0, hour), waitDefaultMs)
    .addOption(new Option('--kept <which>', 'serve what the parent holds').choices(['first', 'next']).hideHelp())
  addDaemonOptions(addMountOptions(command)).action(run)
  await runProgram(command)
}

async function run(mountPoint: string, options: Options): Promise<void> {
  const { kept } = options
  const device = kept ? undefined : openDevice(options)
  if (device !== undefined) return keep(mountPoint, [device, openMemory()], options)
  const { runWorker } = await import('./mount-worker.js')
  const keeper = { device: deviceDescriptor, memory: memoryDescriptor, goesOn: kept === 'next' }
  await runWorker(name, mountPoint, options, kept && keeper)
}

/** What is to be kept; undefined if there is nothing to keep, or the worker is to say why not. */
function openDevice({ binding }: Options): number | undefined {
  if (process.platform !== 'linux' || process.getuid?.() !== 0 || binding === 'fuse-native') return undefined
  try {
    return openSync(fuseDevice, 'r+')
  } catch {
    return undefined
  }
}

/** A file without a name, in memory where there is such a place: it lives as long as a process holds it. */
function openMemory(): number {
  for (const directory of memoryDirectories) {
    try {
      const path = join(directory, `leasefs-mount-${randomUUID()}`)
      const file = openSync(path, 'wx+', 0o600)
      unlinkSync(path)
      return file
    } catch {
      // The next.
    }
  }
  throw new LeasefsError('IO', `no file can be made in ${memoryDirectories.join(', ')}`)
}

async function keep(mountPoint: string, descriptors: readonly number[], options: Options): Promise<void> {
  const clock = new SystemClock()
  const log = openLog(name, options.logLevel)
  let hasBeenReady = false
  const start = (goesOn: boolean) =>
    startWorker(['--kept', goesOn ? 'next' : 'first'], descriptors, line => {
      if (!hasBeenReady) process.stdout.write(`${line}\n`)
      hasBeenReady = true
    })
  const keeper = new Keeper({ start, clock, log })
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => keeper.stop(signal))
  process.on('SIGUSR2', () => keeper.handOver())
  if (options.exitWithParent !== undefined) {
    const delayMs = options.exitWithParent
    process.stdin
      .once('close', () => setTimeout(() => keeper.stop('SIGTERM'), delayMs))
      .on('error', () => {})
      .resume()
  }
  const ended = keeper.run()
  const overdue = keeper.overdue.then(() => {
    keeper.kill()
    return Promise.race([ended, clock.sleep(abandonMs).then(() => 1)])
  })
  const code = await Promise.race([ended, overdue])
  if (code !== 0 && keeper.isStopping) await Promise.race([detach(mountPoint, descriptors), clock.sleep(abandonMs)])
  process.exit(code)
}

/** Whoever ended the mount does not want it to stay behind, though no worker could take it away. */
async function detach(mountPoint: string, descriptors: readonly number[]): Promise<void> {
  for (const descriptor of descriptors) closeSync(descriptor)
  const { removeDeadMount } = await import('../fuse/mount-point.js')
  await removeDeadMount(mountPoint).catch(reason => report(name, reason))
}

/** Runs this program as a worker, with a session of its own: what a terminal sends comes through the keeper. */
function startWorker(more: readonly string[], descriptors: readonly number[], onReady: (line: string) => void): Worker {
  const [, file = '', ...args] = process.argv
  const child = spawn(process.execPath, [...process.execArgv, file, ...more, ...args], {
    detached: true,
    stdio: ['pipe', 'pipe', 'inherit', ...descriptors],
  })
  child.stdin?.on('error', () => {}) // It only tells the worker, by its end, that the keeper is gone.
  const ready = deferred<void>()
  if (child.stdout) {
    createInterface({ input: child.stdout }).on('line', line => {
      onReady(line)
      ready.resolve()
    })
  }
  const gone = new AbortController()
  const closed = once(child, 'close').then(([code, signal]): Exit => ({ code, signal }))
  return {
    pid: child.pid ?? 0,
    ready: ready.promise,
    ended: Promise.race([closed.finally(() => gone.abort()), lingeringDeath(child.pid ?? 0, gone.signal)]),
    signal: signal => void child.kill(signal),
  }
}
