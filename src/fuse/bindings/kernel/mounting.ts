// Attaching /dev/fuse to a directory: mount(8) does it, with the descriptor
// that we then serve.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { LeasefsError } from '../../../base/errors.js'
import { second } from '../../../base/units.js'
import { fuseDevice } from '../../prerequisites.js'

export interface MountRequest {
  readonly mountPoint: string
  readonly source: string
  readonly allowOther: boolean
  readonly readOnly: boolean
  /** Has the descriptor of /dev/fuse. Absent: it is opened. */
  readonly kept?: { readonly device: number } | undefined
}

/** As which the descriptor reaches mount(8). */
const childDescriptor = 3

const mountTimeoutMs = 10 * second

/** The options of mount(2). The kernel checks permissions, by the modes and owners that it is told. */
export function mountOptions({ allowOther, readOnly }: Pick<MountRequest, 'allowOther' | 'readOnly'>): string {
  const options = [`fd=${childDescriptor}`, 'rootmode=40000', 'user_id=0', 'group_id=0', 'default_permissions']
  if (allowOther) options.push('allow_other')
  if (readOnly) options.push('ro')
  return options.join(',')
}

/** The descriptor to serve. @throws LeasefsError IO, PERMISSION_DENIED */
export async function mountDevice(request: MountRequest): Promise<number> {
  const fd = request.kept?.device ?? openDevice()
  try {
    const failure = await runMount(fd, request)
    if (failure) throw new LeasefsError('IO', `mounting on ${request.mountPoint} failed: ${failure}`)
    return fd
  } catch (reason) {
    closeSync(fd)
    throw reason
  }
}

function openDevice(): number {
  try {
    return openSync(fuseDevice, 'r+')
  } catch (reason) {
    const { code, message } = reason as NodeJS.ErrnoException
    throw new LeasefsError(code === 'EACCES' || code === 'EPERM' ? 'PERMISSION_DENIED' : 'IO', message)
  }
}

/** What mount(8) said if it failed. */
async function runMount(
  fd: number,
  { mountPoint, source, ...options }: Omit<MountRequest, 'kept'>,
): Promise<string | undefined> {
  const args = ['-i', '-t', 'fuse.leasefs', '-o', mountOptions(options), source, mountPoint]
  const child = spawn('mount', args, { stdio: ['ignore', 'ignore', 'pipe', fd], timeout: mountTimeoutMs, cwd: '/' })
  let said = ''
  child.stderr?.on('data', (text: Buffer) => {
    said += text
  })
  try {
    const [code, signal] = await once(child, 'close')
    return code === 0 ? undefined : said.trim() || `mount ended with ${signal ?? code}`
  } catch (reason) {
    return (reason as Error).message
  }
}
