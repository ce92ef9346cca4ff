// The mounts of leasefs on this host, and what is known of each: from the mount
// table, from the records that running mounts leave, and from the mounts
// themselves. No file of a mount is touched: that might wait for ever.

import { realpath } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { LeasefsError } from '../../base/errors.js'
import { mountType } from '../../fuse/mount-point.js'
import { listMounts } from '../../fuse/mount-table.js'
import { askMount } from './ask.js'
import { pathTimeoutMs } from './limits.js'
import type { MountState } from './mount-state.js'
import { isAlive, isStopped } from './processes.js'
import { type FoundRecord, findRecords, isServed } from './record.js'
import { ownUid } from './runtime-directory.js'

export interface HostMount {
  readonly mountPoint: string
  readonly device: string
  readonly source: string
  /** Whose it is. */
  readonly uid: number
  /** It is in the mount table. If not, it is served on for those who were in it when it was detached. */
  readonly attached: boolean
  /** Absent: the mount is another user's, or its process left none. */
  readonly record?: FoundRecord
}

/**
 * answers: see `state`; stopped: by a signal; silent: it runs and does not answer; starting: a new process is about to
 * take over; gone: there is no process; unknown: nobody to ask
 */
export type Standing = 'answers' | 'stopped' | 'silent' | 'starting' | 'gone' | 'unknown'

export interface AskedMount extends HostMount {
  readonly standing: Standing
  readonly state?: MountState
  /** Why it did not answer. */
  readonly reason?: string
}

/** All of this host that this user can know of. */
export async function findHostMounts(): Promise<HostMount[]> {
  const mounts = new Map<string, HostMount>()
  for (const { mountPoint, device, source, type, uid = 0 } of await listMounts()) {
    if (type === mountType && !mounts.has(device)) {
      mounts.set(device, { mountPoint, device, source, uid, attached: true })
    }
  }
  const others = ownUid() === 0 ? [...mounts.values()].map(({ uid }) => uid) : []
  for (const uid of new Set([ownUid(), ...others])) {
    for (const record of findRecords(uid)) {
      const mount = mounts.get(record.device)
      if (mount?.uid === uid && mount.mountPoint === record.mountPoint) mounts.set(record.device, { ...mount, record })
      else if (!mount && isServed(record)) {
        const { mountPoint, device, source } = record
        mounts.set(device, { mountPoint, device, source, uid, attached: false, record })
      }
    }
  }
  return [...mounts.values()]
}

/** The mount on a directory, or one that was detached from it and is still served. @throws LeasefsError NOT_FOUND: the directory above is not there; TIMEOUT */
export async function hostMountAt(directory: string): Promise<HostMount | undefined> {
  const mounts = (await findHostMounts()).sort((a, b) => Number(a.attached) - Number(b.attached))
  const at = (path: string) => mounts.findLast(({ mountPoint }) => mountPoint === path)
  const absolute = resolve(directory)
  return at(absolute) ?? at(await resolved(absolute))
}

/** The parent's real path, and the last part as it is: that may be the mount, which may not answer. */
async function resolved(absolute: string): Promise<string> {
  const late = new Promise<never>((_, reject) => {
    setTimeout(() => reject(new LeasefsError('TIMEOUT', `${absolute} does not answer`)), pathTimeoutMs).unref()
  })
  const parent = await Promise.race([realpath(dirname(absolute)), late]).catch((reason: NodeJS.ErrnoException) => {
    throw reason instanceof LeasefsError ? reason : new LeasefsError('NOT_FOUND', reason.message)
  })
  return join(parent, basename(absolute))
}

export async function askHostMount(mount: HostMount): Promise<AskedMount> {
  const { record } = mount
  if (!record) return { ...mount, standing: 'unknown' }
  if (!isServed(record)) return { ...mount, standing: 'gone' }
  if (isStopped(record.client)) return { ...mount, standing: 'stopped' }
  try {
    return { ...mount, standing: 'answers', state: await askMount(record.socket) }
  } catch (reason) {
    const standing = isAlive(record.client, record.uid) ? 'silent' : 'starting'
    return { ...mount, standing, reason: LeasefsError.from(reason).message }
  }
}
