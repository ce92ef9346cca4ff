// Whether a directory can be mounted on, told before anything is opened.

import { access, constants, readdir, realpath, stat, statfs } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { type Clock, SystemClock } from '../base/clock.js'
import { LeasefsError } from '../base/errors.js'
import { second } from '../base/units.js'
import { listMounts, mountAt } from './mount-table.js'
import { unmountLazily } from './unmount.js'

/** What mounts of ours are in the mount table. */
export const mountType = 'fuse.leasefs'

/** What is mounted there may be served by a process that does not answer. */
const answerMsMax = 5 * second

/**
 * The real path of a directory that is there, empty, and not mounted on. A dead
 * mount of ours ("Transport endpoint is not connected"), left by a process that
 * was killed, is taken away first.
 *
 * @throws LeasefsError NOT_FOUND, NOT_A_DIRECTORY, ALREADY_EXISTS, NOT_EMPTY, PERMISSION_DENIED, IO;
 * TIMEOUT: what is mounted there does not answer
 */
export async function checkMountPoint(path: string, clock: Clock = new SystemClock()): Promise<string> {
  const checked = new AbortController()
  const tooLong = clock.sleep(answerMsMax, checked.signal).then(() => {
    const remedy = `"umount -l ${path}" takes away what is mounted there`
    throw new LeasefsError('TIMEOUT', `mount point ${path} does not answer: ${remedy}`)
  })
  try {
    return await Promise.race([check(path), tooLong])
  } catch (reason) {
    throw mountPointError(path, reason)
  } finally {
    checked.abort()
    tooLong.catch(() => {}) // It has been told, or does not matter any more.
  }
}

async function check(path: string): Promise<string> {
  const real = await removeDeadMount(path)
  const mount = mountAt(real, await listMounts())
  if (mount) throw new LeasefsError('ALREADY_EXISTS', `mount point ${path} is already mounted (${mount.source})`)
  if (!(await stat(real)).isDirectory()) {
    throw new LeasefsError('NOT_A_DIRECTORY', `mount point ${path} is not a directory`)
  }
  if ((await readdir(real)).length > 0) throw new LeasefsError('NOT_EMPTY', `mount point ${path} is not empty`)
  // What fusermount asks for, and says less clearly.
  if (process.getuid?.() !== 0) await access(real, constants.W_OK)
  return real
}

/** Without a look at the last part if that is a dead mount: nothing can be asked about it. */
async function realMountPoint(absolute: string): Promise<string> {
  try {
    return await realpath(absolute)
  } catch (reason) {
    if (!isDead(reason)) throw reason
    return join(await realpath(dirname(absolute)), basename(absolute))
  }
}

/**
 * Takes away what is mounted there if it is a mount of ours whose process has died. Returns the real path.
 *
 * @throws LeasefsError IO: it is a dead mount of another program, or can't be taken away
 */
export async function removeDeadMount(path: string): Promise<string> {
  const real = await realMountPoint(resolve(path))
  // Not stat(): for seconds after its process has died the kernel may know that by itself.
  const error = await statfs(real).then(
    () => undefined,
    reason => reason,
  )
  if (!isDead(error)) return real
  const mount = mountAt(real, await listMounts())
  if (mount?.type !== mountType) {
    throw new LeasefsError('IO', `mount point ${real} is a dead mount of another program: unmount it first`)
  }
  await unmountLazily(real)
  return real
}

function isDead(reason: unknown): boolean {
  return (reason as NodeJS.ErrnoException | undefined)?.code === 'ENOTCONN'
}

function mountPointError(path: string, reason: unknown): LeasefsError {
  if (reason instanceof LeasefsError) return reason
  const { code, message } = reason as NodeJS.ErrnoException
  if (code === 'ENOENT') return new LeasefsError('NOT_FOUND', `mount point ${path} does not exist`)
  if (code === 'ENOTDIR') return new LeasefsError('NOT_A_DIRECTORY', `mount point ${path} is not a directory`)
  if (code === 'EACCES') {
    return new LeasefsError('PERMISSION_DENIED', `mount point ${path} is not readable and writable for this user`)
  }
  return new LeasefsError('IO', `mount point ${path} can't be used: ${message}`, { cause: reason })
}
