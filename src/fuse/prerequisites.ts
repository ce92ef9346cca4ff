// What every FUSE mount needs of the machine, whichever binding serves it.

import { access, constants } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { LeasefsError } from '../base/errors.js'

export interface Machine {
  readonly isRoot: boolean
  readonly device: string
  /** Where programs are searched, as in PATH. */
  readonly programPath: string
}

export const fuseDevice = '/dev/fuse'

/** libfuse runs fusermount from here, whatever PATH is. */
export const programPathDefault = ['/bin', '/usr/bin', '/usr/local/bin'].join(delimiter)

/** @throws LeasefsError NATIVE_MISSING or PERMISSION_DENIED, with what to do about it */
export async function checkMachine({ isRoot, device, programPath }: Machine): Promise<void> {
  if (!(await can(device, constants.F_OK))) {
    throw new LeasefsError(
      'NATIVE_MISSING',
      `${device} does not exist: as root, run "modprobe fuse"; in a container, start it with "--device ${device} --cap-add SYS_ADMIN"`,
    )
  }
  if (!(await can(device, constants.R_OK | constants.W_OK))) {
    throw new LeasefsError('PERMISSION_DENIED', `${device} is not accessible: as root, run "chmod 666 ${device}"`)
  }
  if (!isRoot && !(await isProgram('fusermount', programPath))) {
    throw new LeasefsError(
      'NATIVE_MISSING',
      'only root mounts without fusermount, which is not installed: as root, run "apt-get install -y fuse3"',
    )
  }
}

async function isProgram(name: string, programPath: string): Promise<boolean> {
  for (const folder of programPath.split(delimiter)) if (await can(join(folder, name), constants.X_OK)) return true
  return false
}

async function can(path: string, mode: number): Promise<boolean> {
  return access(path, mode).then(
    () => true,
    () => false,
  )
}
