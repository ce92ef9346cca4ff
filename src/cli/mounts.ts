// What is mounted, as the kernel tells it. A mount of leasefs names its master:
// its source is "leasefs@HOST:PORT".

import { readFile } from 'node:fs/promises'
import { sep } from 'node:path'
import { type Address, addressText, parseAddress } from '../wire/address.js'

export interface MountEntry {
  readonly mountPoint: string
  readonly type: string
  readonly source: string
}

const sourcePrefix = 'leasefs@'

/** The source of a mount that uses this master, as /proc/mounts and df show it. */
export function mountSource(master: Address): string {
  return sourcePrefix + addressText(master)
}

/** The master of a mount of ours; undefined for any other mount. */
export function masterOf({ source, type }: MountEntry): Address | undefined {
  if (!type.startsWith('fuse') || !source.startsWith(sourcePrefix)) return undefined
  try {
    return parseAddress(source.slice(sourcePrefix.length))
  } catch {
    return undefined // Someone else's, with a name like ours.
  }
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
    const [type, source] = after?.split(' ') ?? []
    const mountPoint = before.split(' ')[4]
    if (mountPoint === undefined || type === undefined || source === undefined) return []
    return [{ mountPoint: withoutEscapes(mountPoint), type, source: withoutEscapes(source) }]
  })
}

/** The mount a path is on: the last of those with the longest mount point. */
export function mountOf(path: string, mounts: readonly MountEntry[]): MountEntry | undefined {
  let best: MountEntry | undefined
  for (const mount of mounts) {
    const isAbove = path === mount.mountPoint || path.startsWith(mount.mountPoint.replace(/\/?$/, sep))
    if (isAbove && mount.mountPoint.length >= (best?.mountPoint.length ?? 0)) best = mount
  }
  return best
}

/** Blanks, tabs, newlines and backslashes stand as \ooo. */
function withoutEscapes(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))
}
