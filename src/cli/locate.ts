// leasefs locate: where the chunks of a file are, and who may write them.

import { realpath, stat } from 'node:fs/promises'
import type { Command } from 'commander'
import { LeasefsError } from '../base/errors.js'
import { listMounts, mountOf } from '../fuse/mount-table.js'
import type { Address } from '../wire/address.js'
import type { LocatedChunk, LocatedReplica, LocateReply, LocateRequest } from '../wire/gen/admin.js'
import type { Lease } from '../wire/gen/common.js'
import { MasterService } from '../wire/gen/services.js'
import { handleText } from '../wire/ids.js'
import { askMaster } from './admin.js'
import { masterOf } from './mounts.js'
import { peerAddress } from './options.js'
import { type Cell, table } from './table.js'

interface Options {
  readonly master?: Address
  readonly json?: boolean
}

export function addLocateCommand(parent: Command): void {
  parent
    .command('locate')
    .description('show the chunks of a file: handle, version, lease, primary, replicas')
    .argument('<file>', 'a file on a mount; with --master, a path from the root of the file system')
    .option('--master <address>', 'HOST:PORT of the master (default: the one of the mount the file is on)', peerAddress)
    .option('--json', 'for programs')
    .action(async (file: string, options: Options) => {
      const { master, request } = options.master ? byPath(options.master, file) : await byInode(file)
      const reply = await askMaster(master, MasterService.locate, request)
      process.stdout.write(`${options.json ? locateJson(file, reply) : locateText(file, reply)}\n`)
    })
}

interface Question {
  readonly master: Address
  readonly request: LocateRequest
}

function byPath(master: Address, path: string): Question {
  return { master, request: { ino: 0, path: Buffer.from(path) } }
}

/** The inode number that the mount shows is the file's own, wherever the mount is bound to. */
async function byInode(file: string): Promise<Question> {
  const real = await realpath(file).catch((error: NodeJS.ErrnoException) => {
    throw new LeasefsError('NOT_FOUND', error.code === 'ENOENT' ? `${file} does not exist` : error.message)
  })
  const mount = mountOf(real, await listMounts())
  const master = mount && masterOf(mount)
  if (!master) throw new LeasefsError('INVALID_ARGUMENT', `${file} is not on a mount of leasefs`)
  return { master, request: { ino: (await stat(real)).ino, path: Buffer.alloc(0) } }
}

export function locateJson(file: string, { attributes, chunks }: LocateReply): string {
  const { ino, size, goal } = attributes ?? {}
  const plain = chunks.map(({ index, handle, version, lease, replicas }) => ({
    index,
    handle: handleText(handle),
    version,
    lease: lease ?? null,
    replicas: replicas.map(({ server, version, stale }) => ({ ...server, version, stale })),
  }))
  return JSON.stringify({ file, ino, size, goal, chunks: plain }, undefined, 2)
}

export function locateText(file: string, { attributes, chunks }: LocateReply): string {
  const { ino, size, goal } = attributes ?? {}
  const summary = `${file}: inode ${ino}, ${size} bytes, goal ${goal}`
  const headings = ['CHUNK', 'HANDLE', 'VERSION', 'LEASE', 'ROLE', 'SERVER', 'DATA', 'LOCATION']
  const rows = chunks.flatMap(chunkRows)
  return rows.length > 0 ? `${summary}\n\n${table(headings, rows)}` : `${summary}, no chunks`
}

function chunkRows(chunk: LocatedChunk): Cell[][] {
  const { index, handle, version, lease, replicas } = chunk
  const left = lease ? `${(lease.remainingMs / 1000).toFixed(1)} s left` : 'none'
  if (replicas.length === 0) return [[index, handleText(handle), version, left, 'no replica', '', '', '']]
  return replicas.map(replica => {
    const { server } = replica
    const where = [server?.serverId ?? '', server?.dataAddress ?? '', server?.location ?? '']
    return [index, handleText(handle), version, left, roleOf(replica, lease), ...where]
  })
}

function roleOf({ server, version, stale }: LocatedReplica, lease: Lease | undefined): string {
  if (stale) return `stale (${version})`
  if (!lease) return 'replica'
  return lease.primary === server?.serverId ? 'primary' : 'secondary'
}
