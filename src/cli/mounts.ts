// Which master a mount belongs to: its source, as /proc/mounts and df show it,
// is "leasefs@HOST:PORT".

import type { MountEntry } from '../fuse/mount-table.js'
import { type Address, addressText, parseAddress } from '../wire/address.js'

const sourcePrefix = 'leasefs@'

/** The source of a mount that uses this master. */
export function mountSource(master: Address): string {
  return sourcePrefix + addressText(master)
}

/** The master of a mount of ours; undefined for any other mount. */
export function masterOf({ source, type }: Pick<MountEntry, 'source' | 'type'>): Address | undefined {
  if (!type.startsWith('fuse') || !source.startsWith(sourcePrefix)) return undefined
  try {
    return parseAddress(source.slice(sourcePrefix.length))
  } catch {
    return undefined // Someone else's, with a name like ours.
  }
}
