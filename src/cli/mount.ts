// leasefs-mount: a cluster's files as a directory.

import { hour, minute, second } from '../base/units.js'
import { connectFileSystem } from '../client/index.js'
import { mount } from '../fuse/mount.js'
import { checkMountPoint } from '../fuse/mount-point.js'
import { unmountLazily } from '../fuse/unmount.js'
import type { Address } from '../wire/address.js'
import type { Location } from '../wire/location.js'
import { type Daemon, runDaemon, type Surroundings } from './daemon.js'
import { mountSource } from './mounts.js'
import {
  addDaemonOptions,
  type Binding,
  bindingOption,
  type DaemonOptions,
  duration,
  location,
  locationDefault,
  masterAddressDefault,
  peerAddress,
  waitDefaultMs,
} from './options.js'
import { program, runProgram } from './program.js'

const name = 'leasefs-mount'

const timeoutDefaultMs = 1 * minute

interface Options extends DaemonOptions {
  readonly master: Address
  readonly binding: Binding
  readonly location: Location
  readonly timeout: number
  readonly wait: number
}

export async function main(): Promise<void> {
  const command = program(name, "Mounts a cluster's files on a directory, until it is unmounted or told to stop.")
    .argument('<mountpoint>', 'an empty directory')
    .option('--master <address>', 'HOST:PORT of the master', peerAddress, masterAddressDefault)
    .addOption(bindingOption())
    .option('--location <label>', 'where this client is: /dc/rack/host', location, locationDefault())
    .option(
      '--timeout <time>',
      'let an operation wait so long for servers that are away, then fail with EIO',
      duration(second, 24 * hour),
      timeoutDefaultMs,
    )
    .option('--wait <time>', 'how long to wait for the master at the start', duration(0, hour), waitDefaultMs)
  addDaemonOptions(command).action((mountPoint: string, options: Options) =>
    runDaemon(name, options, around => start(mountPoint, options, around)),
  )
  await runProgram(command)
}

async function start(mountPoint: string, options: Options, around: Surroundings): Promise<Daemon> {
  const { clock, random, log, control, data, trace, identify } = around
  const directory = await checkMountPoint(mountPoint)
  const { master, location, timeout: timeoutMs, wait: connectTimeoutMs, binding } = options
  const settings = { master, location, timeoutMs, connectTimeoutMs, description: directory }
  const fileSystem = await connectFileSystem({ control, data, clock, random, log, trace, ...settings })
  identify(() => fileSystem.who)
  try {
    const mounted = await mount({ fileSystem, mountPoint: directory, binding, log, fsname: mountSource(master), clock })
    return {
      ready: `mounted on ${directory}`,
      closed: mounted.closed.then(() => undefined),
      async close() {
        await mounted.unmount()
        await fileSystem.close()
      },
      abandon: () => unmountLazily(directory),
    }
  } catch (reason) {
    await fileSystem.close()
    throw reason
  }
}
