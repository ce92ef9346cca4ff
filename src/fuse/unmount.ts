// Taking a mount away, with umount(8) for root and fusermount(1) for others.

import { execFile } from 'node:child_process'
import type { Clock } from '../base/clock.js'
import { LeasefsError } from '../base/errors.js'
import type { Logger } from '../base/log.js'
import { second } from '../base/units.js'
import { isMounted } from './mount-table.js'

/** How long a mount that is in use is waited for before it is detached as it is. */
export const busyWaitMs = 5 * second

/** Between two tries. */
const retryMs = 200

/** One run of umount or fusermount. umount looks at the mount point first, so it is served meanwhile. */
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
    const error = await run(mountPoint, false)
    if (!error) return
    if (clock.now() >= end) {
      log.warn({ mountPoint, reason: error }, 'the mount is in use: it is detached, and who uses it loses it')
      return unmountLazily(mountPoint)
    }
    await clock.sleep(retryMs)
  }
}

/**
 * Takes a mount out of the tree whether or not it is in use, or alive.
 *
 * @throws LeasefsError IO
 */
export async function unmountLazily(mountPoint: string): Promise<void> {
  const error = await run(mountPoint, true)
  if (error && (await isMounted(mountPoint))) {
    throw new LeasefsError('IO', `${mountPoint} can't be unmounted: ${error}`)
  }
}

/** What the program said if it failed. */
function run(mountPoint: string, lazily: boolean): Promise<string | undefined> {
  const [program, ...options] = command(lazily)
  return new Promise(resolve => {
    execFile(program, [...options, mountPoint], { timeout: runTimeoutMs }, (error, _stdout, stderr) => {
      resolve(error ? stderr.trim() || error.message : undefined)
    })
  })
}

function command(lazily: boolean): [string, ...string[]] {
  if (process.platform === 'darwin') return lazily ? ['umount', '-f'] : ['umount']
  if (process.getuid?.() === 0) return lazily ? ['umount', '-l'] : ['umount']
  return lazily ? ['fusermount', '-u', '-z'] : ['fusermount', '-u']
}
