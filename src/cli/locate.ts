// leasefs locate: where the chunks of a file are, and who may write them.

import type { Command } from 'commander'
import type { Address } from '../wire/address.js'
import type { LocatedChunk, LocatedReplica, LocateReply } from '../wire/gen/admin.js'
import type { Lease } from '../wire/gen/common.js'
import { MasterService } from '../wire/gen/services.js'
import { handleText } from '../wire/ids.js'
import { askMaster } from './admin.js'
import { fileQuestion } from './file-argument.js'
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
      const question = await fileQuestion(file, options.master)
      const reply = await askMaster(question.master, MasterService.locate, question.file)
      process.stdout.write(`${options.json ? locateJson(file, reply) : locateText(file, reply)}\n`)
    })
}

export function locateJson(file: string, { attributes, chunks }: LocateReply): string {
  const { ino, size, goal } = attributes ?? {}
  const plain = chunks.map(({ index, handle, version, lease, replicas }) => ({
    index,
    handle: handleText(handle),
    version,
    present: presentCount({ replicas }),
    lease: lease ?? null,
    replicas: replicas.map(({ server, version, stale }) => ({ ...server, version, stale })),
  }))
  return JSON.stringify({ file, ino, size, goal, chunks: plain }, undefined, 2)
}

export function locateText(file: string, { attributes, chunks }: LocateReply): string {
  const { ino, size, goal } = attributes ?? {}
  const summary = `${file}: inode ${ino}, ${size} bytes, goal ${goal}${hitText(chunks, goal ?? 0)}`
  const headings = ['CHUNK', 'HANDLE', 'VERSION', 'LEASE', 'ROLE', 'SERVER', 'DATA', 'LOCATION']
  const rows = chunks.flatMap(chunkRows)
  return rows.length > 0 ? `${summary}\n\n${table(headings, rows)}` : `${summary}, no chunks`
}

/** What of the file cannot be read now, and what has fewer replicas than it should. */
function hitText(chunks: readonly LocatedChunk[], goal: number): string {
  const counts = chunks.map(presentCount)
  const missing = counts.filter(count => count === 0).length
  const below = counts.filter(count => count > 0 && count < goal).length
  const unreadable = missing > 0 ? `, ${missing} chunks without a replica (reads of them wait, then fail)` : ''
  return `${unreadable}${below > 0 ? `, ${below} chunks below goal` : ''}`
}

function presentCount({ replicas }: Pick<LocatedChunk, 'replicas'>): number {
  return replicas.filter(({ stale }) => !stale).length
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
