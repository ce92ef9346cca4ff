// What every FUSE mount needs of the machine, whichever binding serves it.

import { access, constants, open, readFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { LeasefsError } from '../base/errors.js'

export interface Machine {
  readonly device: string
  /** Where programs are searched, as in PATH. */
  readonly programPath: string
  /** What the kernel says of this process: proc(5), "status". */
  readonly processStatus: string
  /** What fusermount lets ordinary users do. */
  readonly fuseConfiguration: string
}

export interface Wish {
  readonly isRoot: boolean
  readonly allowOther: boolean
}

export const fuseDevice = '/dev/fuse'

/** 10:229, as stat(2) has it. Containers hide devices behind /dev/null. */
const fuseDeviceNumber = (10 << 8) | 229

export const thisMachine: Machine = {
  device: fuseDevice,
  // libfuse runs fusermount from here, whatever PATH is.
  programPath: ['/bin', '/usr/bin', '/usr/local/bin'].join(delimiter),
  processStatus: '/proc/self/status',
  fuseConfiguration: '/etc/fuse.conf',
}

/** What mount(2) asks for: capabilities(7). */
const sysAdminCapability = 21n

const inContainer = `in a container, start it with "--device ${fuseDevice} --cap-add SYS_ADMIN"`

/** @throws LeasefsError NATIVE_MISSING or PERMISSION_DENIED, with what to do about it */
export async function checkMachine(machine: Machine & Wish): Promise<void> {
  await checkDevice(machine.device)
  if (machine.isRoot) return checkCapability(machine.processStatus)
  if (!(await isProgram('fusermount', machine.programPath))) {
    throw new LeasefsError(
      'NATIVE_MISSING',
      'only root mounts without fusermount, which is not installed: as root, run "apt-get install -y fuse3"',
    )
  }
  if (machine.allowOther) await checkAllowOther(machine.fuseConfiguration)
}

/** By opening it: a device that a container shows and does not grant has all permission bits. */
async function checkDevice(device: string): Promise<void> {
  try {
    await using opened = await open(device, 'r+')
    const { rdev } = await opened.stat()
    if (rdev !== 0 && rdev !== fuseDeviceNumber) throw new Error('it is another device')
  } catch (reason) {
    const { code, message } = reason as NodeJS.ErrnoException
    if (code === 'EACCES') {
      throw new LeasefsError('PERMISSION_DENIED', `${device} is not accessible: as root, run "chmod 666 ${device}"`)
    }
    if (code === 'EPERM') throw new LeasefsError('PERMISSION_DENIED', `${device} is not granted here: ${inContainer}`)
    const what = code === 'ENOENT' ? `${device} does not exist` : `${device} can't be used (${message})`
    throw new LeasefsError('NATIVE_MISSING', `${what}: as root, run "modprobe fuse"; ${inContainer}`)
  }
}

/** Root in a container often may not mount; where there is no /proc, mounting itself will tell. */
async function checkCapability(processStatus: string): Promise<void> {
  const status = await readFile(processStatus, 'utf8').catch(() => '')
  const [, effective] = /^CapEff:\s*([0-9a-f]+)$/m.exec(status) ?? []
  if (effective === undefined || (BigInt(`0x${effective}`) >> sysAdminCapability) & 1n) return
  throw new LeasefsError('PERMISSION_DENIED', `root may not mount here (CAP_SYS_ADMIN is missing): ${inContainer}`)
}

async function checkAllowOther(fuseConfiguration: string): Promise<void> {
  const text = await readFile(fuseConfiguration, 'utf8').catch(() => '')
  if (/^\s*user_allow_other\s*$/m.test(text)) return
  throw new LeasefsError(
    'PERMISSION_DENIED',
    `only root may let other users in, unless ${fuseConfiguration} has the line "user_allow_other"`,
  )
}

async function isProgram(name: string, programPath: string): Promise<boolean> {
  for (const folder of programPath.split(delimiter)) {
    const found = await access(join(folder, name), constants.X_OK).then(
      () => true,
      () => false,
    )
    if (found) return true
  }
  return false
}
