// A directory of the cluster as a file system of its own (--subdir): it is the
// root, and nothing outside of it can be reached.
//
// The kernel calls every root 1, and every other inode by the number it has in
// the cluster: so the directory and the real root change numbers, and the real
// root's is one that leads nowhere.

import { LeasefsError } from '../../base/errors.js'
import type { FileSystem, Ino, Name } from '../../client/file-system.js'
import { rootIno } from '../../constants.js'
import type { Invalidations } from '../bindings/binding.js'
import { identity, MappedFileSystem } from './mapped-file-system.js'

const root = rootIno as Ino

/** A view, and what it hears of changes made elsewhere. */
export interface SubdirectoryView {
  /** The inode that is its root. */
  readonly root: Ino
  readonly fileSystem: FileSystem
  readonly invalidations: Invalidations
}

/**
 * @param path of a directory, from the root; a symbolic link in it is not followed
 * @param known what the path led to, if it was opened before: it may be called otherwise by now
 * @throws LeasefsError NOT_FOUND, NOT_A_DIRECTORY; INVALID_ARGUMENT: ".." in the path
 */
export async function openSubdirectory(
  fileSystem: FileSystem,
  invalidations: Invalidations,
  path: string,
  known?: Ino,
): Promise<SubdirectoryView> {
  const ino = known ?? (await findDirectory(fileSystem, path))
  if (ino === root) return { root, fileSystem, invalidations }
  const exchanged = (other: Ino) => (other === root ? ino : other === ino ? root : other)
  const inward = (other: Ino) => {
    if (other === ino) throw new LeasefsError('NOT_FOUND', 'there is nothing above the root')
    return exchanged(other)
  }
  return {
    root: ino,
    fileSystem: new MappedFileSystem(fileSystem, { ...identity, inward, outward: exchanged }),
    invalidations: {
      listen: hear => invalidations.listen(inos => hear(inos === 'all' ? inos : inos.map(exchanged))),
    },
  }
}

async function findDirectory(fileSystem: FileSystem, path: string): Promise<Ino> {
  const parts = path.split('/').filter(part => part !== '' && part !== '.')
  if (parts.includes('..')) throw new LeasefsError('INVALID_ARGUMENT', `the path ${path} must not have ".." in it`)
  if (parts.length === 0) return root
  const last = await lastOf(fileSystem, path, parts.map(Buffer.from))
  if (last.kind !== 'directory') throw notADirectory(path)
  return last.ino
}

async function lastOf(fileSystem: FileSystem, path: string, names: readonly Name[]) {
  try {
    const last = (await fileSystem.resolve(root, names)).at(-1)
    if (last) return last
  } catch (reason) {
    const { code } = LeasefsError.from(reason)
    if (code === 'NOT_A_DIRECTORY') throw notADirectory(path)
    if (code !== 'NOT_FOUND') throw reason
  }
  throw new LeasefsError('NOT_FOUND', `the cluster has no directory ${path}`)
}

function notADirectory(path: string): LeasefsError {
  return new LeasefsError(
    'NOT_A_DIRECTORY',
    `${path} is not a directory of the cluster (symbolic links are not followed)`,
  )
}
