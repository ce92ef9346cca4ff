// The process that serves a mount: a client of the cluster, and what speaks with
// the kernel.

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
import { atimeOf, checkMountChoices, type MountChoices } from './mount-options.js'
import { mountSource } from './mounts.js'
import type { DaemonOptions } from './options.js'

export interface MountOptions extends DaemonOptions, MountChoices {
  readonly master: Address
  readonly location: Location
  readonly wait: number
}

/** Descriptors of what the keeper holds. */
export interface Kept {
  /** /dev/fuse */
  readonly device: number
}

/** Serves for the whole life of the process. `kept` if there is a keeper: with the keeper this process ends. */
export async function runWorker(
  name: string,
  mountPoint: string,
  options: MountOptions,
  kept: Kept | undefined,
): Promise<void> {
  if (kept) endWithKeeper()
  const { exitWithParent, ...mine } = options
  const daemonOptions = kept || exitWithParent === undefined ? mine : options
  await runDaemon(name, daemonOptions, around => start(mountPoint, options, kept, around))
}

/** A mount whose keeper was killed is dead, as it would be without one. */
function endWithKeeper(): void {
  process.stdin
    .once('close', () => process.exit(1))
    .on('error', () => {})
    .resume()
}

async function start(
  mountPoint: string,
  options: MountOptions,
  kept: Kept | undefined,
  around: Surroundings,
): Promise<Daemon> {
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
      ...{ binding, readOnly, exclusive, allowOther, log, fsname, clock, device: kept?.device },
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
