// `leasefs trash`: what is in the trash, a page at a time; putting a file back;
// purging by hand, some files at a time, so that no question takes long.

import type { Clock } from '../../base/clock.js'
import { LeasefsError } from '../../base/errors.js'
import { rootIno } from '../../constants.js'
import { unary } from '../../rpc/control-network.js'
import type {
  TrashedFile,
  TrashListReply,
  TrashListRequest,
  TrashPurgeReply,
  TrashPurgeRequest,
  TrashRestoreReply,
  TrashRestoreRequest,
} from '../../wire/gen/admin.js'
import { FileType } from '../../wire/gen/common.js'
import { MasterService } from '../../wire/gen/services.js'
import type { StoredTrash } from '../../wire/gen/state.js'
import type { Ino } from '../../wire/ids.js'
import type { Namespace } from '../chunk-service.js'
import type { Executor } from '../executor.js'
import { checkMake } from '../ops/make.js'
import { isDirectory } from '../ops/operation.js'
import { checkPurge, purgedAtOnce, purgedAtOnceMax } from '../ops/purge.js'
import { checkRename } from '../ops/rename.js'
import { checkForgetLost } from '../ops/start.js'
import { isTrashed, trashName } from '../ops/trash.js'
import type { Inode } from '../state/inodes.js'
import type { State } from '../state/state.js'
import { listedFilesMax, listedPathBytesMax, listScanMax, purgesPerStepMax } from './limits.js'

export interface TrashServiceOptions {
  readonly state: State
  readonly executor: Executor
  readonly namespace: Pick<Namespace, 'resolvePath'>
  readonly clock: Clock
}

const slash = Buffer.from('/')
const noBytes = Buffer.alloc(0)

export function trashHandlers(options: TrashServiceOptions) {
  return [
    unary(MasterService.trashList, async request => listTrash(options.state, request)),
    unary(MasterService.trashRestore, request => restoreTrashed(options, request)),
    unary(MasterService.trashPurge, request => purgeTrash(options, request)),
  ]
}

/** In the order of deletion. */
export function listTrash(state: State, { path, after }: TrashListRequest): TrashListReply {
  const files: TrashedFile[] = []
  let bytes = 0
  let next = after
  const places = state.trash.page(after, listScanMax)
  for (const [at, place] of places.entries()) {
    next = place
    const inode = state.inodes.get(place.ino)
    if (!isBelow(inode.trash?.path, path)) continue
    const file = trashedFile(inode)
    files.push(file)
    bytes += file.path.length
    const full = files.length === listedFilesMax || bytes >= listedPathBytesMax
    if (full && at < places.length - 1) return { files, next }
  }
  return { files, next: places.length === listScanMax ? next : undefined }
}

/**
 * Under its old path, or `to`; nothing that is there is replaced.
 *
 * @throws LeasefsError NOT_FOUND (not in the trash, or no such directory), ALREADY_EXISTS, NOT_A_DIRECTORY, NAME_TOO_LONG,
 *   INVALID_ARGUMENT, NO_SPACE, IO, UNAVAILABLE
 */
export async function restoreTrashed(
  options: TrashServiceOptions,
  { ino, to, parents }: TrashRestoreRequest,
): Promise<TrashRestoreReply> {
  const { state, executor, namespace } = options
  const trash = trashOf(state, ino)
  const path = targetOf(namespace, trash, to)
  const cut = path.lastIndexOf(slash)
  const [directory, newName] = [path.subarray(0, cut), path.subarray(cut + 1)]
  const newParent = parents ? await makeDirectories(options, directory, ino) : directoryOf(namespace, directory)
  const place = { parent: trash.directory, name: trashName(ino, trash.path), newParent, newName }
  const flags = { noReplace: true, exchange: false, uid: undefined }
  try {
    await executor.submit((current, context) => checkRename(current, { ...place, ...flags }, context))
  } catch (reason) {
    if (!(reason instanceof LeasefsError) || reason.code !== 'ALREADY_EXISTS') throw reason
    throw new LeasefsError('ALREADY_EXISTS', `${path} exists: say with --to where the file is to be`)
  }
  return { path }
}

/** @throws LeasefsError INVALID_ARGUMENT, NO_SPACE, IO, UNAVAILABLE */
export async function purgeTrash(
  { state, executor, clock }: TrashServiceOptions,
  { inos, all, olderThanMs, lost }: TrashPurgeRequest,
): Promise<TrashPurgeReply> {
  const purged = { files: 0, bytes: 0 }
  if (lost) {
    await executor.submit(checkForgetLost)
    return { ...purged, more: false }
  }
  const purge = async (some: readonly Ino[]) => {
    const before = some.flatMap(ino => state.inodes.find(ino)?.trash ?? [])
    const { kind } = await executor.submit(current => checkPurge(current, some))
    if (kind !== 'applied') return
    purged.files += before.length
    for (const { bytes } of before) purged.bytes += bytes
  }
  if (!all) {
    if (inos.length > purgedAtOnceMax) throw new LeasefsError('INVALID_ARGUMENT', `${inos.length} files at once`)
    for (const ino of inos) trashOf(state, ino)
    for (let left = inos as Ino[]; left.length > 0; ) {
      const some = purgedAtOnce(state, left)
      await purge(some)
      left = left.slice(some.length)
    }
    return { ...purged, more: false }
  }
  const latestMs = Number(clock.wallNs() / 1_000_000n) - olderThanMs
  for (let purges = 0; purges < purgesPerStepMax; purges++) {
    const oldest = state.trash.page(undefined, purgedAtOnceMax).filter(({ deletedMs }) => deletedMs <= latestMs)
    if (oldest.length === 0) return { ...purged, more: false }
    const inos = oldest.map(({ ino }) => ino)
    await purge(purgedAtOnce(state, inos))
  }
  return { ...purged, more: true }
}

function trashOf(state: State, ino: number): StoredTrash {
  const inode = state.inodes.find(ino)
  if (inode?.trash && isTrashed(inode)) return inode.trash
  throw new LeasefsError('NOT_FOUND', `${ino} is not in the trash`)
}

function targetOf(namespace: Pick<Namespace, 'resolvePath'>, { path }: StoredTrash, to: Buffer): Buffer {
  if (to.length === 0 && path[0] === slash[0]) return path
  if (to.length === 0) {
    throw new LeasefsError('INVALID_ARGUMENT', `the beginning of the path ${path} is not known: say where with --to`)
  }
  const target = Buffer.concat([slash, withoutSlashes(to)])
  const name = path.subarray(path.lastIndexOf(slash) + 1)
  return isThereAsDirectory(namespace, target)
    ? Buffer.concat([target.length > 1 ? target : noBytes, slash, name])
    : target
}

function isThereAsDirectory(namespace: Pick<Namespace, 'resolvePath'>, path: Buffer): boolean {
  try {
    return isDirectory(namespace.resolvePath(path))
  } catch (reason) {
    if (reason instanceof LeasefsError && (reason.code === 'NOT_FOUND' || reason.code === 'NOT_A_DIRECTORY'))
      return false
    throw reason
  }
}

/** @throws LeasefsError NOT_FOUND, NOT_A_DIRECTORY */
function directoryOf(namespace: Pick<Namespace, 'resolvePath'>, path: Buffer): Ino {
  try {
    return namespace.resolvePath(path).ino as Ino
  } catch (reason) {
    if (!(reason instanceof LeasefsError) || reason.code !== 'NOT_FOUND') throw reason
    throw new LeasefsError(
      'NOT_FOUND',
      `there is no directory ${path}: say so with --parents, or another place with --to`,
    )
  }
}

/** Finds the directory, and makes it, and those above it, where they are missing: for the owner of the file `ino`. */
async function makeDirectories({ state, executor }: TrashServiceOptions, path: Buffer, ino: number): Promise<Ino> {
  const { uid, gid } = state.inodes.get(ino).attributes
  const inode = { type: FileType.DIRECTORY, mode: 0o700, uid, gid, rdev: 0, symlinkTarget: noBytes }
  let parent = rootIno as Ino
  for (const name of namesOf(path)) {
    if (state.dentries.find(parent, name) === undefined) {
      const make = { parent, name, ...inode, exclusive: false, open: false }
      await executor.submit((current, context) => checkMake(current, make, context))
    }
    parent = state.dentries.get(parent, name)
  }
  return parent
}

function namesOf(path: Buffer): Buffer[] {
  return path
    .toString('latin1')
    .split('/')
    .filter(name => name !== '')
    .map(name => Buffer.from(name, 'latin1'))
}

function trashedFile(inode: Inode): TrashedFile {
  const { ino, uid, gid, mode, size, allocatedBytes, mtime } = inode.attributes
  const { path = noBytes, deletedAt, deletedBy } = inode.trash ?? {}
  const trashPath = Buffer.concat([Buffer.from(`${uid}/`), trashName(ino, path)])
  return { ino, path, deletedAt, deletedBy, uid, gid, mode, size, allocatedBytes, mtime, trashPath }
}

/** Whether a path is `directory` or lies in it. */
function isBelow(path: Buffer | undefined, directory: Buffer): boolean {
  const above = withoutSlashes(directory)
  if (above.length === 0) return true
  const below = withoutSlashes(path ?? noBytes)
  const head = below.subarray(0, above.length)
  return head.equals(above) && (below.length === above.length || below[above.length] === slash[0])
}

/** Of the beginning and the end. */
function withoutSlashes(path: Buffer): Buffer {
  let [start, end] = [0, path.length]
  while (start < end && path[start] === slash[0]) start++
  while (end > start && path[end - 1] === slash[0]) end--
  return path.subarray(start, end)
}
