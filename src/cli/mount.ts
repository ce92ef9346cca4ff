// leasefs-mount: a cluster's files as a directory.

import { hour } from '../base/units.js'
import { connectFileSystem } from '../client/index.js'
import { InvalidationRelay } from '../fuse/invalidations.js'
import { checkMount, mount } from '../fuse/mount.js'
import { unmountLazily } from '../fuse/unmount.js'
import { squash } from '../fuse/views/squash.js'
import { openSubdirectory } from '../fuse/views/subdirectory.js'
import { TrashView } from '../fuse/views/trash.js'
import type { Address } from '../wire/address.js'
import type { Location } from '../wire/location.js'
import { type Daemon, runDaemon, type Surroundings } from './daemon.js'
import { addMountOptions, atimeOf, checkMountChoices, type MountChoices } from './mount-options.js'
import { mountSource } from './mounts.js'
import {
  addDaemonOptions,
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

interface Options extends DaemonOptions, MountChoices {
  readonly master: Address
  readonly location: Location
  readonly wait: number
}

export async function main(): Promise<void> {
  const command = program(name, "Mounts a cluster's files on a directory, until it is unmounted or told to stop.")
    .argument('<mountpoint>', 'an empty directory')
    .option('--master <address>', 'HOST:PORT of the master', peerAddress, masterAddressDefault)
    .option('--location <label>', 'where this client is: /dc/rack/host', location, locationDefault())
    .option('--wait <time>', 'how long to wait for the master at the start', duration(0, hour), waitDefaultMs)
  addDaemonOptions(addMountOptions(command)).action((mountPoint: string, options: Options) =>
    runDaemon(name, options, around => start(mountPoint, options, around)),
  )
  await runProgram(command)
}

async function start(mountPoint: string, options: Options, around: Surroundings): Promise<Daemon> {
  const { clock, random, log, control, data, trace, identify } = around
  checkMountChoices(options)
  const { binding, readOnly, exclusive, allowOther } = options
  const { mountPoint: directory } = await checkMount({ mountPoint, binding, allowOther, exclusive, clock })
  const { master, location, timeout: timeoutMs, wait: connectTimeoutMs, fsname = mountSource(master) } = options
  const settings = { master, location, timeoutMs, connectTimeoutMs, description: directory }
  const relay = new InvalidationRelay()
  const onInvalidate = relay.invalidated
  const fileSystem = await connectFileSystem({ control, data, clock, random, log, trace, onInvalidate, ...settings })
  identify(() => fileSystem.who)
  try {
    const part = await openSubdirectory(new TrashView(fileSystem), relay, options.subdir ?? '/')
    const mounted = await mount({
      fileSystem: squash(part.fileSystem, options),
      invalidations: part.invalidations,
      mountPoint: directory,
      atime: atimeOf(options),
      ...{ binding, readOnly, exclusive, allowOther, log, fsname, clock },
    })
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
