// A file or directory named on the command line, as the master is asked about it.

import { realpath, stat } from 'node:fs/promises'
import { LeasefsError } from '../base/errors.js'
import { listMounts, mountOf } from '../fuse/mount-table.js'
import type { Address } from '../wire/address.js'
import { masterOf } from './mounts.js'

/** Whom to ask, and what names the file to that master: its inode number, or its path from the root. */
export interface FileQuestion {
  readonly master: Address
  readonly file: { readonly ino: number; readonly path: Buffer }
}

/**
 * With a master `name` is a path from the root of the file system; else it is
 * on a mount of this machine, which knows its master.
 *
 * @throws LeasefsError NOT_FOUND, INVALID_ARGUMENT (not on a mount of leasefs)
 */
export async function fileQuestion(name: string, master: Address | undefined): Promise<FileQuestion> {
  if (master) return { master, file: { ino: 0, path: Buffer.from(name) } }
  const real = await realpath(name).catch((error: NodeJS.ErrnoException) => {
    throw new LeasefsError('NOT_FOUND', error.code === 'ENOENT' ? `${name} does not exist` : error.message)
  })
  const mount = mountOf(real, await listMounts())
  const mountMaster = mount && masterOf(mount)
  if (!mountMaster) throw new LeasefsError('INVALID_ARGUMENT', `${name} is not on a mount of leasefs`)
  // The number that the mount shows is the file's own, wherever the mount is bound to.
  return { master: mountMaster, file: { ino: (await stat(real)).ino, path: Buffer.alloc(0) } }
}
