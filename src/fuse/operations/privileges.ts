// Whoever changes a file is not trusted with the rights that its owner has
// given it: set-user-id, set-group-id (where the group may execute) and file
// capabilities.
//
// The kernel leaves this to the file system (FUSE_HANDLE_KILLPRIV_V2): it says
// with each change whether the caller is to be trusted with the bits; file
// capabilities go with every change of the content or the owner. What is cached
// of the inode tells whether there is anything to take, so that it costs
// nothing where there is not.

import { LeasefsError } from '../../base/errors.js'
import type { FileSystem, Ino, Name } from '../../client/file-system.js'

const capability = Buffer.from('security.capability')

const setUserId = 0o4000
const setGroupId = 0o2000
const groupExecute = 0o0010

/** Before a write: takes the capabilities, and the bits if `bitsToo`. */
export async function killPrivileges(fileSystem: FileSystem, ino: Ino, bitsToo: boolean): Promise<void> {
  // Not by calling killCapabilities(): every write comes by here, and each turn of a promise counts.
  if ((await fileSystem.listXattrs(ino)).some(isCapability)) await removeCapabilities(fileSystem, ino)
  if (!bitsToo) return
  const { kind, mode } = await fileSystem.getAttributes(ino)
  if (kind === 'file' && hasBits(mode)) await fileSystem.setAttributes(ino, { killPrivileges: true })
}

/** Before a truncate or a change of the owner. */
export async function killCapabilities(fileSystem: FileSystem, ino: Ino): Promise<void> {
  if ((await fileSystem.listXattrs(ino)).some(isCapability)) await removeCapabilities(fileSystem, ino)
}

async function removeCapabilities(fileSystem: FileSystem, ino: Ino): Promise<void> {
  await fileSystem.removeXattr(ino, capability).catch(reason => {
    if (LeasefsError.from(reason).code !== 'NO_ATTRIBUTE') throw reason
  })
}

function isCapability(name: Name): boolean {
  return name.equals(capability)
}

function hasBits(mode: number): boolean {
  return (mode & setUserId) !== 0 || ((mode & setGroupId) !== 0 && (mode & groupExecute) !== 0)
}
