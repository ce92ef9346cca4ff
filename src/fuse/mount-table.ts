// What is mounted, as the kernel tells it in /proc/self/mountinfo.

import { readFile } from 'node:fs/promises'
import { sep } from 'node:path'

export interface MountEntry {
  readonly mountPoint: string
  /** "fuse.leasefs" for ours. */
  readonly type: string
  readonly source: string
  /** Device numbers, "0:52": of no other mount of the machine, while it is there. */
  readonly device: string
  /** Of a FUSE mount: the user whose process serves it. */
  readonly uid: number | undefined
}

/** All mounts in the order in which they were made. Empty where there is no /proc. */
export async function listMounts(): Promise<MountEntry[]> {
  const text = await readFile('/proc/self/mountinfo', 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return ''
    throw error
  })
  return parseMountInfo(text)
}

/** proc(5): "36 35 98:0 /root /mount/point options [optional fields] - type source options". */
export function parseMountInfo(text: string): MountEntry[] {
  return text.split('\n').flatMap(line => {
    const [before = '', after] = line.split(' - ')
    const [type, source, options = ''] = after?.split(' ') ?? []
    const [, , device, , mountPoint] = before.split(' ')
    if (device === undefined || mountPoint === undefined || type === undefined || source === undefined) return []
    const [, uid] = /(?:^|,)user_id=(\d+)/.exec(options) ?? []
    const served = uid === undefined ? undefined : Number(uid)
    return [{ mountPoint: unescaped(mountPoint), type, source: unescaped(source), device, uid: served }]
  })
}

/** The mount that a path is on: the last of those with the longest mount point. */
export function mountOf(path: string, mounts: readonly MountEntry[]): MountEntry | undefined {
  let best: MountEntry | undefined
  for (const mount of mounts) {
    const isAbove = path === mount.mountPoint || path.startsWith(mount.mountPoint.replace(/\/?$/, sep))
    if (isAbove && mount.mountPoint.length >= (best?.mountPoint.length ?? 0)) best = mount
  }
  return best
}

/** What is mounted exactly there, if anything is. */
export function mountAt(path: string, mounts: readonly MountEntry[]): MountEntry | undefined {
  return mounts.findLast(mount => mount.mountPoint === path)
}

/** Whether something is mounted exactly there. Where there is no table to look it up in: perhaps, so yes. */
export async function isMounted(path: string): Promise<boolean> {
  const mounts = await listMounts()
  return mounts.length === 0 || mountAt(path, mounts) !== undefined
}

/** Blanks, tabs, newlines and backslashes stand as \ooo. */
function unescaped(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))
}
