// Whether a directory can be mounted on, told before anything is opened.

import { execFile } from 'node:child_process'
import { mkdir, readdir, realpath, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { promisify } from 'node:util'
import { LeasefsError } from '../base/errors.js'
import { second } from '../base/units.js'
import { listMounts, masterOf, mountOf } from './mounts.js'

const unmountTimeoutMs = 5 * second

/**
 * The absolute path of a directory that is there, empty, and not mounted on. A
 * dead mount of ours, left by a process that was killed, is taken away first.
 *
 * @throws LeasefsError NOT_FOUND, NOT_A_DIRECTORY, ALREADY_EXISTS, NOT_EMPTY, PERMISSION_DENIED, IO
 */
export async function checkMountPoint(path: string): Promise<string> {
  const absolute = resolve(path)
  await removeDeadMount(absolute)
  try {
    if (!(await stat(absolute)).isDirectory()) {
      throw new LeasefsError('NOT_A_DIRECTORY', `mount point ${path} is not a directory`)
    }
    const real = await realpath(absolute)
    const mount = mountOf(real, await listMounts())
    if (mount?.mountPoint === real && mount.mountPoint !== '/') {
      throw new LeasefsError('ALREADY_EXISTS', `mount point ${path} is already mounted (${mount.source})`)
    }
    if ((await readdir(real)).length > 0) throw new LeasefsError('NOT_EMPTY', `mount point ${path} is not empty`)
    return real
  } catch (reason) {
    throw mountPointError(path, reason)
  }
}

/** Makes the directory if only its last part is missing: a slip in the path before that is more likely a slip. */
export async function makeMountPoint(path: string): Promise<void> {
  await mkdir(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') throw new LeasefsError('NOT_FOUND', `${dirname(resolve(path))} does not exist`)
    if (error.code !== 'EEXIST') throw mountPointError(path, error)
  })
}

/** Takes a mount away even if its process is dead or files on it are open. */
export async function unmountLazily(mountPoint: string): Promise<void> {
  const run = promisify(execFile)
  const [command, ...options] = process.getuid?.() === 0 ? ['umount', '-l'] : ['fusermount', '-u', '-z', '-q']
  await run(command as string, [...options, mountPoint], { timeout: unmountTimeoutMs })
}

async function removeDeadMount(path: string): Promise<void> {
  const isDead = await stat(path).then(
    () => false,
    (error: NodeJS.ErrnoException) => error.code === 'ENOTCONN',
  )
  if (!isDead) return
  const mount = mountOf(path, await listMounts())
  const owner = mount ? masterOf(mount) : undefined
  if (!mount || !owner) throw new LeasefsError('IO', `mount point ${path} is a dead mount of another program`)
  await unmountLazily(mount.mountPoint).catch(reason => {
    throw new LeasefsError('IO', `mount point ${path} is a dead mount and cannot be unmounted: ${reason.message}`)
  })
}

function mountPointError(path: string, reason: unknown): LeasefsError {
  if (reason instanceof LeasefsError) return reason
  const { code, message } = reason as NodeJS.ErrnoException
  if (code === 'ENOENT') return new LeasefsError('NOT_FOUND', `mount point ${path} does not exist`)
  if (code === 'ENOTDIR') return new LeasefsError('NOT_A_DIRECTORY', `mount point ${path} is not a directory`)
  if (code === 'EACCES') return new LeasefsError('PERMISSION_DENIED', `mount point ${path} is not accessible`)
  return new LeasefsError('IO', `mount point ${path} cannot be used: ${message}`, { cause: reason })
}
