// What a person names in the trash, as the master is asked about it: files by
// number, or by the path that they had.

import { realpath } from 'node:fs/promises'
import { dirname, join, relative, resolve } from 'node:path'
import { LeasefsError } from '../base/errors.js'
import { listMounts, mountOf } from '../fuse/mount-table.js'
import type { Address } from '../wire/address.js'
import type { TrashedFile, TrashListReply, TrashListRequest } from '../wire/gen/admin.js'
import { type MasterOptions, masterFrom } from './master-option.js'
import { masterOf } from './mounts.js'

/** A path from the root of a cluster. */
export interface ClusterPath {
  readonly master: Address
  readonly path: Buffer
}

/** One page of the trash. */
export type AskPage = (request: TrashListRequest) => Promise<TrashListReply>

const slash = Buffer.from('/')

/**
 * With --master, and where no mount of this machine is, `text` is a path from the root of the file system;
 * else one on the mount. What it names need not be there: mostly it has been deleted.
 */
export async function clusterPath(text: string, options: MasterOptions): Promise<ClusterPath> {
  const mounted = options.master ? undefined : await pathOnMount(resolve(text))
  return mounted ?? { master: await masterFrom(options), path: Buffer.from(resolve('/', text)) }
}

async function pathOnMount(absolute: string): Promise<ClusterPath | undefined> {
  const real = await realOf(absolute)
  const mount = mountOf(real, await listMounts())
  const master = mount && masterOf(mount)
  if (!mount || !master) return undefined
  return { master, path: Buffer.from(resolve('/', relative(mount.mountPoint, real))) }
}

/** The real path of as much of it as is there, and the rest as it is. */
async function realOf(path: string): Promise<string> {
  const parent = dirname(path)
  try {
    return await realpath(path)
  } catch {
    return parent === path ? path : join(await realOf(parent), path.slice(parent.length))
  }
}

/** A number, as `leasefs trash ls` shows it, or the beginning of a name below .trash. */
export function numberOf(text: string): number | undefined {
  const [, plain, named] = /^(?:(\d{1,16})|(?:.*\/)?\.trash\/\d+\/(\d{1,16})-[^/]*)$/s.exec(text) ?? []
  const ino = Number(plain ?? named)
  return Number.isSafeInteger(ino) ? ino : undefined
}

/** Every file of the trash whose path is `path` or lies below it, in the order of deletion. */
export async function* listAll(ask: AskPage, path: Buffer): AsyncGenerator<readonly TrashedFile[]> {
  for (let after: TrashListRequest['after']; ; ) {
    const { files, next } = await ask({ path, after })
    if (files.length > 0) yield files
    if (!next) return
    after = next
  }
}

/**
 * The deleted files that `path` names: those that had this path, in the order of deletion; with `below` also
 * those in the directory of this name.
 *
 * @throws LeasefsError NOT_FOUND
 */
export async function filesAt(ask: AskPage, path: Buffer, below: boolean): Promise<TrashedFile[]> {
  const found: TrashedFile[] = []
  let inDirectory = 0
  for await (const files of listAll(ask, path)) {
    for (const file of files) {
      if (below || file.path.equals(path)) found.push(file)
      else inDirectory++
    }
  }
  if (found.length > 0) return found
  const hint = inDirectory > 0 ? `, but ${inDirectory} below it (-r names them all)` : ''
  throw new LeasefsError('NOT_FOUND', `there is no deleted file ${path}${hint}`)
}

/** Of several that had one path, the one that was deleted last. */
export function lastOfEach(files: readonly TrashedFile[]): TrashedFile[] {
  return [...new Map(files.map(file => [file.path.toString('latin1'), file])).values()]
}

/** For people and for programs: names that are not UTF-8 can't be shown as they are. */
export function pathText(path: Buffer): string {
  return path[0] === slash[0] ? String(path) : `…/${path}`
}
