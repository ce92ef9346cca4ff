// Who uses a mount, as /proc shows it: the working directories and open files of
// the processes that this user may look at. Links are read, never followed.
//
// A program of its own reads them, with a limit of time: whoever looks at a
// process that is being started from a mount that does not answer waits with it.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { MiB, second } from '../base/units.js'
import { listMounts, mountOf } from './mount-table.js'

export interface MountUser {
  readonly pid: number
  readonly how: 'working directory' | 'root directory' | 'program' | 'open file' | 'mapped file'
  readonly path: string
  /** Of an open file. */
  readonly ino?: number
}

/** What has been found by then is what is told. */
const lookMs = 4 * second
const outputBytesMax = 64 * MiB

const kinds: Readonly<Record<string, MountUser['how']>> = {
  cwd: 'working directory',
  root: 'root directory',
  exe: 'program',
  fd: 'open file',
  map_files: 'mapped file',
}

const places = Object.keys(kinds).map(kind => `/proc/[0-9]*/${kind}`)
const look = `exec find ${places.join(' ')} -maxdepth 1 -type l -printf '%p\\t%l\\0'`

/** What each process but ours uses of the mount. Empty where there is no /proc. */
export async function mountUsers(mountPoint: string): Promise<MountUser[]> {
  if (process.platform !== 'linux') return []
  const mounts = await listMounts()
  return (await links()).flatMap(link => {
    const [, pid = '', kind = '', name, path = ''] = /^\/proc\/(\d+)\/(\w+)(?:\/([^\t]+))?\t(.*)$/s.exec(link) ?? []
    const how = kinds[kind]
    const isOurs = Number(pid) === process.pid
    if (!how || isOurs || !path.startsWith(mountPoint) || mountOf(path, mounts)?.mountPoint !== mountPoint) return []
    const ino = how === 'open file' ? inodeOf(`/proc/${pid}/fdinfo/${name}`) : undefined
    return [{ pid: Number(pid), how, path, ...(ino !== undefined && { ino }) }]
  })
}

async function links(): Promise<string[]> {
  const child = spawn('sh', ['-c', look], {
    cwd: '/',
    stdio: ['ignore', 'pipe', 'ignore'],
    timeout: lookMs,
    killSignal: 'SIGKILL',
  })
  const pieces: Buffer[] = []
  let length = 0
  child.stdout.on('data', (piece: Buffer) => {
    length += piece.length
    if (length <= outputBytesMax) pieces.push(piece)
  })
  await once(child, 'close').catch(() => {}) // Without that program nobody is known.
  return Buffer.concat(pieces).toString().split('\0').slice(0, -1)
}

/** proc(5): a line "ino: NUMBER" (Linux 5.14). */
function inodeOf(fdinfo: string): number | undefined {
  try {
    const [, ino] = /^ino:\s*(\d+)$/m.exec(readFileSync(fdinfo, 'latin1')) ?? []
    return ino === undefined ? undefined : Number(ino)
  } catch {
    return undefined // It has been closed.
  }
}
