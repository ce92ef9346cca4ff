// Where a running mount leaves its record and its socket: a directory that only
// its user can enter, and that does not outlive the machine.

import { lstatSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { LeasefsError } from '../../base/errors.js'

/** The longest path of a socket: sun_path of unix(7), less its NUL. */
const socketPathMax = 107

/** The directories in which a user's mounts may have left theirs, the best first. */
export function runtimeDirectories(uid: number): string[] {
  const own = uid === process.getuid?.() ? process.env.XDG_RUNTIME_DIR : undefined
  const places = uid === 0 ? ['/run'] : [...(own ? [own] : []), `/run/user/${uid}`]
  const inPlaces = places.map(place => join(place, 'leasefs'))
  const all = [...new Set(inPlaces), `/tmp/leasefs-${uid}`]
  return all.filter(directory => Buffer.byteLength(join(directory, 'NNN-NNNNNNN.sock')) <= socketPathMax)
}

/** Makes, or finds, the directory for the mounts of this process. @throws LeasefsError IO: there is none */
export function makeRuntimeDirectory(directories = runtimeDirectories(ownUid())): string {
  let why = ''
  for (const directory of directories) {
    try {
      mkdirSync(directory, { mode: 0o700 })
    } catch (reason) {
      const { code, message } = reason as NodeJS.ErrnoException
      if (code !== 'EEXIST') {
        why = message
        continue
      }
    }
    if (isPrivate(directory, ownUid())) return directory
    why = `${directory} is not a directory of this user alone`
  }
  throw new LeasefsError('IO', `no directory for what runs: ${why}`)
}

/** Nobody but `uid` (and root) can have put anything there. */
export function isPrivate(directory: string, uid: number): boolean {
  try {
    const stat = lstatSync(directory)
    return stat.isDirectory() && stat.uid === uid && (stat.mode & 0o077) === 0
  } catch {
    return false
  }
}

export function ownUid(): number {
  return process.getuid?.() ?? 0
}
