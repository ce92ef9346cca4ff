// leasefs up: a whole cluster on this machine, in the foreground.

import { mkdir } from 'node:fs/promises'
import { dirname, resolve, sep } from 'node:path'
import type { Command } from 'commander'
import { deferred } from '../base/deferred.js'
import { LeasefsError } from '../base/errors.js'
import { goalDefault, goalMax } from '../constants.js'
import { checkMountPoint } from '../fuse/mount-point.js'
import type { Address } from '../wire/address.js'
import { secondSignalMs } from './limits.js'
import { LocalCluster } from './local-cluster.js'
import { addMountOptions, checkMountChoices, type MountChoices } from './mount-options.js'
import {
  addTrashOptions,
  dataDefault,
  listenAddress,
  logLevelOption,
  type TrashOptions,
  wholeNumber,
} from './options.js'
import { report } from './program.js'

const mountPointDefault = './mnt'
const chunkserversDefault = 3
const chunkserversMax = 64

interface Options extends MountChoices, TrashOptions {
  readonly data: string
  readonly chunkservers: number
  readonly goal: number
  readonly listen: Address
  readonly logLevel: string
  readonly trace?: string
  readonly cwd?: string
}

export function addUpCommand(parent: Command): void {
  const command = parent
    .command('up')
    .description('run a whole cluster on this machine: a master, chunkservers and a mount, until Ctrl-C')
    .argument('[mountpoint]', 'an empty directory; made if it is missing', mountPointDefault)
    .option('--data <dir>', 'where the cluster keeps its data', dataDefault)
    .option('--chunkservers <count>', 'how many', wholeNumber(1, chunkserversMax), chunkserversDefault)
    .option('--goal <count>', 'replicas of each chunk of a new file', wholeNumber(1, goalMax), goalDefault)
    .option('--listen <address>', 'HOST:PORT of the master', listenAddress, { host: '127.0.0.1', port: 0 })
    .addOption(logLevelOption('warn'))
    .option('--trace <file>', 'append the protocol events of all to this file, as JSON lines')
    .addOption(parent.createOption('--cwd <dir>', 'where relative paths begin').hideHelp())
  addMountOptions(addTrashOptions(command)).action(async (mountPoint: string, options: Options) =>
    process.exit(await up(mountPoint, options)),
  )
}

/** Runs until a signal comes. Returns the exit code. */
async function up(mountPoint: string, options: Options): Promise<number> {
  const say = (line: string) => process.stderr.write(`${line}\n`)
  let cluster: LocalCluster | undefined
  const stop = stopSignals(say, () => cluster?.kill())
  try {
    checkMountChoices(options)
    if (options.cwd) process.chdir(options.cwd)
    const data = resolve(options.data)
    checkApart(data, resolve(mountPoint))
    await makeMountPoint(mountPoint)
    const directory = await checkMountPoint(mountPoint)
    warnOfGoal(options, say)

    const trace = options.trace === undefined ? undefined : resolve(options.trace)
    cluster = new LocalCluster({ ...options, data, mountPoint: directory, mount: options, trace }, say)
    const starting = cluster.start().then(() => 'ready' as const)
    starting.catch(() => {}) // Told below, unless we were stopped meanwhile.
    if ((await Promise.race([starting, stop])) === 'ready') {
      process.stdout.write(`leasefs: ready, mounted on ${mountPoint}\n`)
      await Promise.race([stop, cluster.allEnded().then(() => allEnded())])
    }
    return (await cluster.stop()) ? 0 : 1
  } catch (reason) {
    await cluster?.stop()
    return report('leasefs', reason)
  }
}

function allEnded(): never {
  throw new LeasefsError('UNAVAILABLE', 'all processes of the cluster have ended')
}

/** Resolves at the first signal that means "end"; calls `force` at a second one. */
function stopSignals(say: (line: string) => void, force: () => void): Promise<'stop'> {
  const { promise, resolve } = deferred<'stop'>()
  let since: number | undefined
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (since === undefined) {
        since = performance.now()
        say('leasefs: stopping')
        resolve('stop')
      } else if (performance.now() - since >= secondSignalMs) {
        say(`leasefs: ${signal} again, ending at once`)
        force()
      }
    })
  }
  return promise
}

/** Makes the directory if only its last part is missing: if more is, that is more likely a slip. */
async function makeMountPoint(path: string): Promise<void> {
  await mkdir(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') throw new LeasefsError('NOT_FOUND', `${dirname(resolve(path))} does not exist`)
    if (error.code === 'EACCES' || error.code === 'EROFS')
      throw new LeasefsError('PERMISSION_DENIED', `cannot make the mount point ${path}: ${error.message}`)
    // Whatever else is wrong with it, checkMountPoint says better.
  })
}

/** A mount hides what is below it. */
function checkApart(data: string, mountPoint: string): void {
  if (data !== mountPoint && !data.startsWith(mountPoint + sep)) return
  throw new LeasefsError('INVALID_ARGUMENT', `the data directory ${data} must not be on the mount point ${mountPoint}`)
}

function warnOfGoal({ goal, chunkservers }: Options, say: (line: string) => void): void {
  if (goal <= chunkservers) return
  say(`leasefs: warning: goal ${goal} with ${chunkservers} chunkservers: files have fewer replicas than their goal`)
}
