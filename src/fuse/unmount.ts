// Taking a mount away, with umount(8) for root and fusermount(1) for others.

import { type StdioOptions, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readdirSync, readlinkSync } from 'node:fs'
import type { Clock } from '../base/clock.js'
import { LeasefsError } from '../base/errors.js'
import type { Logger } from '../base/log.js'
import { second } from '../base/units.js'
import { isMounted } from './mount-table.js'
import { fuseDevice } from './prerequisites.js'

/** How long a mount that is in use is waited for before it is detached as it is. */
export const busyWaitMs = 5 * second

/** Between two tries. */
const retryMs = 200

/** How long the kernel is waited for to write back what it alone has of a mount that is about to be detached in use. */
const writeBackMs = 5 * second

/** One run of a program. */
const runTimeoutMs = 10 * second

/**
 * Unmounts, and resolves when the mount is gone from the mount table. While a
 * process has its working directory or an open file there, tries again until
 * `busyMs` have passed; then detaches the mount, which goes on for those that
 * use it, and logs a warning.
 *
 * @throws LeasefsError IO if it can't be detached either
 */
export async function unmount(mountPoint: string, clock: Clock, log: Logger, busyMs = busyWaitMs): Promise<void> {
  const end = clock.now() + busyMs
  while (await isMounted(mountPoint)) {
    const error = await tryUnmount(mountPoint)
    if (!error) return
    if (clock.now() >= end) {
      log.warn({ mountPoint, reason: error }, 'the mount is in use: it is detached, and who uses it loses it')
      await writeBack(mountPoint, clock, log)
      return unmountLazily(mountPoint)
    }
    await clock.sleep(retryMs)
  }
}

/** One attempt: what the program said if it failed, as it does while the mount is in use. */
export function tryUnmount(mountPoint: string): Promise<string | undefined> {
  return run(umount(mountPoint, false))
}

/**
 * Takes a mount out of the tree whether or not it is in use, or alive.
 *
 * @throws LeasefsError IO
 */
export async function unmountLazily(mountPoint: string): Promise<void> {
  const error = await run(umount(mountPoint, true))
  if (error && (await isMounted(mountPoint))) {
    throw new LeasefsError('IO', `${mountPoint} can't be unmounted: ${error}`)
  }
}

/**
 * A detached mount is never written back by an unmount: pages that a program has
 * mapped, and with --exclusive all that is written, would go with the process.
 */
async function writeBack(mountPoint: string, clock: Clock, log: Logger): Promise<void> {
  if (process.platform !== 'linux') return
  const late = new AbortController()
  const error = await Promise.race([
    run(['sync', '--file-system', mountPoint]),
    clock.sleep(writeBackMs, late.signal).then(
      () => `not within ${writeBackMs} ms`,
      () => undefined,
    ),
  ])
  late.abort()
  if (error) log.warn({ mountPoint, reason: error }, 'the kernel did not write back what it has of the mount')
}

/** What the program said if it failed. */
async function run([program, ...args]: Command): Promise<string | undefined> {
  const nothing = openSync('/dev/null', 'r')
  try {
    const stdio = withoutDevice(nothing)
    const child = spawn(program, args, { timeout: runTimeoutMs, stdio })
    let said = ''
    child.stderr?.on('data', (text: Buffer) => {
      said += text
    })
    const [code, signal] = await once(child, 'close')
    return code === 0 ? undefined : said.trim() || `${program} ended with ${signal ?? code}`
  } catch (reason) {
    return (reason as Error).message
  } finally {
    closeSync(nothing)
  }
}

/**
 * Streams for a child: stderr to us, and `nothing` in place of every descriptor
 * of /dev/fuse. libfuse lets children inherit it; a child that has it keeps the
 * mount of a process that was killed from being dead, and whoever touches that,
 * the child itself before all, waits for ever.
 */
export function withoutDevice(nothing: number): StdioOptions {
  const stdio: ('ignore' | 'pipe' | number)[] = ['ignore', 'ignore', 'pipe']
  for (const descriptor of deviceDescriptors()) {
    while (stdio.length <= descriptor) stdio.push('ignore')
    stdio[descriptor] = nothing
  }
  return stdio
}

function deviceDescriptors(): number[] {
  if (process.platform !== 'linux') return []
  const isDevice = (name: string) => {
    try {
      return readlinkSync(`/proc/self/fd/${name}`) === fuseDevice
    } catch {
      return false // It has been closed meanwhile: the one through which they are listed.
    }
  }
  return readdirSync('/proc/self/fd').filter(isDevice).map(Number)
}

type Command = readonly [program: string, ...args: string[]]

function umount(mountPoint: string, lazily: boolean): Command {
  if (process.platform === 'darwin') return ['umount', ...(lazily ? ['-f'] : []), mountPoint]
  // -c: without a look at the mount point, which may wait for servers that are away. What it says is read: in English.
  const english = ['env', 'LC_ALL=C'] as const
  if (process.getuid?.() === 0) return [...english, 'umount', '-c', ...(lazily ? ['-l'] : []), mountPoint]
  return [...english, 'fusermount', '-u', ...(lazily ? ['-z'] : []), mountPoint]
}
