// From paths to inodes. Paths start at the root of the file system, with or
// without a leading "/". Symbolic links are followed here; the master follows none.

import { LeasefsError } from '../base/errors.js'
import { pathLengthMax, rootIno } from '../constants.js'
import type { Ino } from '../wire/ids.js'
import type { Attributes, FileSystem, Name } from './file-system.js'
import { symlinksFollowedMax } from './limits.js'

/** Where an entry is or would be. */
export interface Place {
  readonly parent: Ino
  readonly name: Name
}

const root = rootIno as Ino

/** What the path leads to; with `follow`, through a symbolic link at its end. @throws LeasefsError NOT_FOUND, NOT_A_DIRECTORY */
export async function find(fileSystem: FileSystem, path: string, follow: boolean): Promise<Attributes> {
  const names = namesOf(path)
  const known = await walkPlain(fileSystem, names, follow)
  if (known) return known
  const { attributes } = await walk(fileSystem, names, follow)
  if (!attributes) throw new LeasefsError('NOT_FOUND', `no such file or directory: ${path}`)
  return attributes
}

/**
 * The directory and the name that the path ends in, whether or not it is there.
 *
 * @throws LeasefsError NOT_FOUND (the directory), NOT_A_DIRECTORY, INVALID_ARGUMENT (the path has no last name)
 */
export async function findPlace(fileSystem: FileSystem, path: string): Promise<Place> {
  const { place } = await walk(fileSystem, namesOf(path), false)
  if (!place) throw new LeasefsError('INVALID_ARGUMENT', `no entry can be called ${path}`)
  return place
}

/** As findPlace(), but through a symbolic link at the end of the path: where open() creates. */
export async function findTarget(
  fileSystem: FileSystem,
  path: string,
): Promise<{ readonly place: Place | undefined; readonly attributes: Attributes | undefined }> {
  return walk(fileSystem, namesOf(path), true)
}

function namesOf(path: string): string[] {
  if (path.includes('\0')) throw new LeasefsError('INVALID_ARGUMENT', 'a path must not contain NUL')
  if (Buffer.byteLength(path) > pathLengthMax) throw new LeasefsError('NAME_TOO_LONG', 'the path is too long')
  return path.split('/').filter(name => name !== '' && name !== '.')
}

/** In one step, if there are neither links nor ".." on the way. */
async function walkPlain(
  fileSystem: FileSystem,
  names: readonly string[],
  follow: boolean,
): Promise<Attributes | undefined> {
  if (names.length === 0) return fileSystem.getAttributes(root)
  if (names.includes('..')) return undefined
  try {
    const steps = await fileSystem.resolve(
      root,
      names.map(name => Buffer.from(name)),
    )
    const last = steps.at(-1)
    return last?.kind === 'symlink' && follow ? undefined : last
  } catch (reason) {
    if (reason instanceof LeasefsError && reason.code === 'NOT_A_DIRECTORY') return undefined
    throw reason
  }
}

async function walk(fileSystem: FileSystem, names: readonly string[], follow: boolean) {
  const way: Attributes[] = [await fileSystem.getAttributes(root)]
  const rest = [...names]
  let place: Place | undefined
  let links = 0
  for (let name = rest.shift(); name !== undefined; name = rest.shift()) {
    const directory = way.at(-1)
    if (directory?.kind !== 'directory') throw new LeasefsError('NOT_A_DIRECTORY', `not a directory before ${name}`)
    if (name === '..') {
      if (way.length > 1) way.pop()
      place = undefined
      continue
    }
    place = { parent: directory.ino, name: Buffer.from(name) }
    const attributes = await fileSystem.lookup(place.parent, place.name).catch(notThere)
    if (!attributes) {
      if (rest.length > 0) throw new LeasefsError('NOT_FOUND', `no such directory: ${name}`)
      return { place, attributes: undefined }
    }
    if (attributes.kind !== 'symlink' || (rest.length === 0 && !follow)) {
      way.push(attributes)
      continue
    }
    if (++links > symlinksFollowedMax)
      throw new LeasefsError('TOO_MANY_SYMLINKS', 'too many symbolic links in one path')
    const target = (await fileSystem.readSymlink(attributes.ino)).toString()
    if (target.startsWith('/')) way.length = 1
    rest.unshift(...namesOf(target))
  }
  return { place, attributes: way.at(-1) }
}

function notThere(reason: unknown): undefined {
  if (reason instanceof LeasefsError && reason.code === 'NOT_FOUND') return undefined
  throw reason
}
