// The process that serves a mount: a client of the cluster, and what speaks with
// the kernel.

import { realpath } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import type { Clock } from '../base/clock.js'
import { FileSurvivingMap } from '../base/file-surviving-map.js'
import type { Logger } from '../base/log.js'
import type { Ino } from '../client/file-system.js'
import { connectFileSystem } from '../client/index.js'
import type { InodeFileSystem } from '../client/inode-file-system.js'
import { Survival } from '../client/survival.js'
import type { Kept } from '../fuse/bindings/binding.js'
import { forgetEverything } from '../fuse/bindings/kernel/takeover.js'
import { InvalidationRelay } from '../fuse/invalidations.js'
import { checkMount, mount } from '../fuse/mount.js'
import { openBefore } from '../fuse/operations.js'
import { unmountLazily } from '../fuse/unmount.js'
import { squash } from '../fuse/views/squash.js'
import { openSubdirectory } from '../fuse/views/subdirectory.js'
import { TrashView } from '../fuse/views/trash.js'
import type { Address } from '../wire/address.js'
import type { Location } from '../wire/location.js'
import { controlMount } from './control/control-mount.js'
import { hostMountAt } from './control/host-mounts.js'
import { isAlive } from './control/processes.js'
import { isServed } from './control/record.js'
import { ownUid } from './control/runtime-directory.js'
import { type Daemon, runDaemon, type Surroundings } from './daemon.js'
import { handOverMs, lastWordsMs, masterWaitMs } from './limits.js'
import { atimeOf, checkMountChoices, type MountChoices } from './mount-options.js'
import { mountSource } from './mounts.js'
import type { DaemonOptions } from './options.js'
import { detachDead } from './unmounting.js'

export interface MountOptions extends DaemonOptions, MountChoices {
  readonly master: Address
  readonly location: Location
  readonly wait: number
}

/** What a worker gets from its keeper. */
export interface FromKeeper {
  /** Descriptor of /dev/fuse. */
  readonly device: number
  /** Descriptor of the file in which is what survives a worker. */
  readonly memory: number
  /** Another worker has served the mount before. */
  readonly goesOn: boolean
}

/** Serves for the whole life of the process. With a keeper, it ends with that. */
export async function runWorker(
  name: string,
  mountPoint: string,
  options: MountOptions,
  keeper: FromKeeper | undefined,
): Promise<void> {
  if (!keeper) return runDaemon(name, options, around => start(mountPoint, options, undefined, around))
  let fileSystem: InodeFileSystem | undefined
  endWithKeeper(async () => fileSystem?.close())
  const { exitWithParent, ...mine } = options
  const serve = (around: Surroundings) =>
    start(mountPoint, options, keptBy(keeper, around.log), around, connected => {
      fileSystem = connected
    })
  // Not by exit(), which would end the mount: the next worker goes on.
  await runDaemon(name, mine, serve, () => process.kill(process.pid, 'SIGKILL'))
}

/**
 * A mount whose keeper was killed is dead. But what was written is applied, and the master told that nobody is left, if
 * that takes no time: or others would wait until the session has run out for what was ours.
 */
function endWithKeeper(leave: () => Promise<void>): void {
  const end = async () => {
    const tooLong = new Promise<void>(resolve => setTimeout(resolve, lastWordsMs))
    await Promise.race([leave(), tooLong]).catch(() => {}) // What could not be applied is lost, as with any process that is killed.
    process.exit(1)
  }
  process.stdin
    .once('close', end)
    .on('error', () => {})
    .resume()
}

function keptBy({ device, memory, goesOn }: FromKeeper, log: Logger): Kept {
  return { device, goesOn, survival: new Survival(new FileSurvivingMap(memory, log)) }
}

/** What stays as it was when the mount was made. */
interface Mounted {
  readonly directory: string
  readonly root: Ino
}

const mountedKey = 'mounted'

function mountedBefore({ survival }: Kept): Mounted | undefined {
  return survival.map.inherited.find(({ key }) => key === mountedKey)?.value as Mounted | undefined
}

async function start(
  mountPoint: string,
  options: MountOptions,
  kept: Kept | undefined,
  around: Surroundings,
  onConnected: (fileSystem: InodeFileSystem) => void = () => {},
): Promise<Daemon> {
  const { clock, random, log, control, data, trace, identify } = around
  checkMountChoices(options)
  const before = kept?.goesOn ? mountedBefore(kept) : undefined
  if (kept?.goesOn && !options.exclusive) await forgetEverything(kept.device, openBefore(kept.survival.map), clock, log)
  const directory = await (kept?.goesOn
    ? (before?.directory ?? mountedDirectory(mountPoint))
    : checkedDirectory(mountPoint, options, clock))
  const { binding, readOnly, exclusive, allowOther } = options
  const { master, location, timeout: timeoutMs, fsname = mountSource(master) } = options
  const connectTimeoutMs = kept?.goesOn ? masterWaitMs : options.wait
  const settings = { master, location, timeoutMs, connectTimeoutMs, description: directory, survival: kept?.survival }
  const relay = new InvalidationRelay()
  const onInvalidate = relay.invalidated
  const fileSystem = await connectFileSystem({ control, data, clock, random, log, trace, onInvalidate, ...settings })
  identify(() => fileSystem.who)
  onConnected(fileSystem)
  try {
    const part = await openSubdirectory(new TrashView(fileSystem), relay, options.subdir ?? '/', before?.root)
    const mounted = await mount({
      fileSystem: squash(part.fileSystem, options),
      invalidations: part.invalidations,
      mountPoint: directory,
      atime: atimeOf(options),
      ...{ binding, readOnly, exclusive, allowOther, log, fsname, clock, kept },
    })
    kept?.survival.map.put(mountedKey, { directory, root: part.root } satisfies Mounted)
    fileSystem.resumed()
    kept?.survival.dropInherited()
    if (kept) process.on('SIGUSR2', () => void handOver(fileSystem, around))
    const daemonPid = kept ? process.ppid : process.pid
    const told = await controlMount({ fileSystem, mounted, source: fsname, daemonPid, clock, log })
    return {
      ready: `mounted on ${directory}`,
      closed: mounted.closed.then(() => undefined),
      async close() {
        await mounted.unmount()
        await told.close(fileSystem.close())
      },
      abandon: () => unmountLazily(directory),
    }
  } catch (reason) {
    await fileSystem.close()
    throw reason
  }
}

async function checkedDirectory(mountPoint: string, options: MountOptions, clock: Clock): Promise<string> {
  const { binding, exclusive, allowOther } = options
  await clearDead(mountPoint, clock)
  const checked = await checkMount({ mountPoint, binding, allowOther, exclusive, clock })
  return checked.mountPoint
}

/** What a process that was killed may have left there. What can't be cleared the check says more clearly. */
async function clearDead(mountPoint: string, clock: Clock): Promise<void> {
  const left = await hostMountAt(mountPoint).catch(() => undefined)
  if (left?.record === undefined || left.uid !== ownUid() || isAlive(left.record.daemon, left.uid)) return
  // A worker outlives its keeper for its last words.
  for (const end = clock.now() + 2 * lastWordsMs; isServed(left.record) && clock.now() < end; ) await clock.sleep(100)
  if (!isServed(left.record)) await detachDead(left)
}

/** Without a look at the directory itself: it waits for us. */
async function mountedDirectory(mountPoint: string): Promise<string> {
  const absolute = resolve(mountPoint)
  return join(await realpath(dirname(absolute)), basename(absolute))
}

/** Leaves the mount to a worker of the program that is on the disk by now, with as little to do as possible. */
async function handOver(fileSystem: InodeFileSystem, { clock, log }: Surroundings): Promise<void> {
  log.info('hands over to another worker')
  await Promise.race([fileSystem.settle(), clock.sleep(handOverMs)])
  process.kill(process.pid, 'SIGKILL')
}
