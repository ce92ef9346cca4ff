// leasefs status: the servers of a cluster, whether its chunks have the replicas
// they should, and how the mounts on this host stand. The last also when the
// master can't be reached: then it says what is waited for.

import type { Command } from 'commander'
import { LeasefsError } from '../base/errors.js'
import { type Address, addressText } from '../wire/address.js'
import type {
  FsckFinding,
  MasterDiskStatus,
  RepairStatus,
  ServerStatus,
  StatusReply,
  TrashStatus,
} from '../wire/gen/admin.js'
import { MasterService } from '../wire/gen/services.js'
import { askMaster } from './admin.js'
import { type AskedMount, askHostMount, findHostMounts } from './control/host-mounts.js'
import { askFsck } from './fsck.js'
import { type MasterOptions, masterFrom, withMasterOptions } from './master-option.js'
import { mountSource } from './mounts.js'
import { mountsText } from './mounts-text.js'
import { bytesText, table } from './table.js'

interface Options extends MasterOptions {
  readonly files?: boolean
  readonly json?: boolean
}

/** A file that cannot be read in parts, or that has fewer replicas than it should. */
export interface FileHit {
  readonly ino: number
  /** Of those that it has, one; empty: it has none, or the files are too many for one answer. */
  readonly path: string
  readonly chunksMissing: number
  readonly chunksBelowGoal: number
}

/** How many of them are printed for people. */
const filesPrintedMax = 100

async function filesHit(master: Address, { chunksBelowGoal }: StatusReply): Promise<FileHit[]> {
  if (chunksBelowGoal === 0) return []
  const { findings } = await askFsck(master, { deep: false, repair: false, missingOnly: true }, undefined)
  return filesOf(findings)
}

/** The worst first. */
export function filesOf(findings: readonly Pick<FsckFinding, 'kind' | 'ino' | 'path'>[]): FileHit[] {
  const files = new Map<number, FileHit>()
  for (const { kind, ino, path } of findings) {
    if (kind !== 'no-replica' && kind !== 'below-goal') continue
    const { chunksMissing = 0, chunksBelowGoal = 0 } = files.get(ino) ?? {}
    const missing = kind === 'no-replica' ? 1 : 0
    const file = { ino, path: String(path), chunksMissing: chunksMissing + missing }
    files.set(ino, { ...file, chunksBelowGoal: chunksBelowGoal + 1 - missing })
  }
  return [...files.values()].sort((a, b) => b.chunksMissing - a.chunksMissing || b.chunksBelowGoal - a.chunksBelowGoal)
}

export function addStatusCommand(parent: Command): void {
  withMasterOptions(parent.command('status'))
    .description('show the servers of a cluster, and whether its chunks have the replicas they should')
    .option('--files', 'name the files that are hit, where chunks have no replica or fewer than they should')
    .option('--json', 'for programs')
    .action(async (options: Options) => {
      const master = await masterFrom(options)
      const asking = askMaster(master, MasterService.status, {}).catch(LeasefsError.from)
      const mounts = await mountsHere(options.master)
      const reply = await asking
      const isAway = reply instanceof LeasefsError
      const files = options.files && !isAway ? await filesHit(master, reply) : undefined
      const text = options.json
        ? statusJson(isAway ? { unreachable: reply.message } : statusFields(reply, files), mounts)
        : [isAway ? '' : statusText(reply, files), await mountsText(mounts)].filter(Boolean).join('\n\n')
      if (text) process.stdout.write(`${text}\n`)
      if (isAway) throw reply
    })
}

/** Of the cluster that was asked for, if one was. */
async function mountsHere(master: Address | undefined): Promise<AskedMount[]> {
  const asked = await Promise.all((await findHostMounts()).map(askHostMount))
  if (!master) return asked
  const source = mountSource(master)
  return asked.filter(mount => mount.source === source || mount.state?.master === addressText(master))
}

export function statusFields(reply: StatusReply, files?: readonly FileHit[]): object {
  const servers = reply.servers.map(({ server, ...figures }) => ({ ...server, ...figures }))
  return { ...reply, servers, ...(files && { files }) }
}

export function statusJson(cluster: object, mounts: readonly AskedMount[] = []): string {
  const fields = mounts.map(({ record, ...mount }) => ({ ...mount, ...(record && { pid: record.client.pid }) }))
  return JSON.stringify({ ...cluster, mounts: fields }, undefined, 2)
}

export function statusText(reply: StatusReply, files?: readonly FileHit[]): string {
  const { clusterId, goal, inodes, chunks, chunksBelowGoal, chunksMissing, leasesInForce, clients } = reply
  const figures: [string, string | number][] = [
    ['cluster', clusterId],
    ['goal', goal],
    ['clients', clients],
    ['inodes', inodes],
    ['chunks', chunks],
    ['below goal', hitText(chunksBelowGoal, files)],
    ['missing', hitText(chunksMissing, files)],
    ['leases', leasesInForce],
    ...trashFigures(reply.trash),
    ...diskFigures(reply.disk),
    ...unknownFigures(reply),
    ...damageFigures(reply),
    ...scrubFigures(reply),
    ...repairFigures(reply.repair),
  ]
  const summary = figures.map(([name, value]) => `${`${name}:`.padEnd(12)}${value}`).join('\n')
  const rows = reply.servers.map(({ server, replicas, leases, freeBytes, totalBytes, ...rest }) => [
    server?.serverId ?? '',
    standingText(rest),
    server?.location ?? '',
    server?.controlAddress ?? '',
    server?.dataAddress ?? '',
    replicas,
    leases,
    bytesText(freeBytes),
    bytesText(totalBytes),
  ])
  const headings = ['SERVER', 'STATE', 'LOCATION', 'CONTROL', 'DATA', 'REPLICAS', 'LEASES', 'FREE', 'TOTAL']
  const servers = rows.length > 0 ? table(headings, rows) : 'no chunkservers'
  return [summary, servers, ...(files ? [filesText(files)] : [])].join('\n\n')
}

function filesText(files: readonly FileHit[]): string {
  if (files.length === 0) return 'no file is hit'
  const named = files.slice(0, filesPrintedMax)
  const rows = named.map(({ ino, path, chunksMissing, chunksBelowGoal }) => [chunksMissing, chunksBelowGoal, ino, path])
  const more =
    files.length > named.length ? `\n... and ${files.length - named.length} more: --json has up to 10,000 chunks` : ''
  return `${table(['MISSING', 'BELOW GOAL', 'INODE', 'FILE'], rows)}${more}`
}

/** Whoever sees that something is missing wants to know of what. */
function hitText(chunks: number, files: readonly FileHit[] | undefined): string | number {
  return chunks > 0 && !files ? `${chunks} (--files names the files)` : chunks
}

function standingText({
  connected,
  silentMs,
  draining,
  maintenanceMs,
  seenLaterMaster,
  disk,
}: Pick<ServerStatus, 'connected' | 'silentMs' | 'draining' | 'maintenanceMs' | 'seenLaterMaster' | 'disk'>): string {
  const seconds = (ms: number) => (ms / 1000).toFixed(0)
  const standing = connected ? 'connected' : `silent for ${seconds(silentMs)} s`
  if (!connected && maintenanceMs > 0) return `in maintenance, ${seconds(maintenanceMs)} s left`
  if (disk) return `${standing}, disk ${disk.code === 'NO_SPACE' ? 'full' : 'failing'}`
  if (seenLaterMaster) return `${standing}, has seen a later master`
  return draining ? `${standing}, draining` : standing
}

function trashFigures(trash: TrashStatus | undefined): [string, string][] {
  if (!trash || (trash.retentionMs === 0 && trash.files === 0)) return []
  return [['trash', `${trash.files} files, ${bytesText(trash.bytes)}`]]
}

/** Of the master's own disk, when it is not well. */
function diskFigures(disk: MasterDiskStatus | undefined): [string, string][] {
  if (!disk?.code) return []
  const what = disk.onlyGrowth ? 'takes nothing new' : 'is read-only'
  const until = disk.restart ? ' until it is restarted' : ''
  return [['master', `${what}${until}: ${disk.message}, ${bytesText(disk.freeBytes)} free on its disk`]]
}

/** What a person must decide on. */
function unknownFigures({ unknownReplicas, servers }: StatusReply): [string, string][] {
  const refusing = servers.filter(server => server.seenLaterMaster).length
  const figures: [string, string][] = []
  if (unknownReplicas > 0) {
    figures.push(['unknown', `${unknownReplicas} replicas of chunks whose records may be lost are kept`])
  }
  if (refusing > 0) figures.push(['older copy', `${refusing} servers have seen a later master, and delete nothing`])
  return figures
}

function scrubFigures({ servers }: StatusReply): [string, string][] {
  const figures: [string, string][] = []
  for (const { server, scrub } of servers) {
    if (!scrub) continue
    const { running, percent, bytesPerSecond, lastPassMs, foundBlocks, mendedBlocks, goneReplicas, strangeFiles } =
      scrub
    const rate = bytesPerSecond > 0 ? `, ${bytesText(bytesPerSecond)}/s` : ''
    const words = [
      running ? `${percent}% verified${rate}` : undefined,
      lastPassMs > 0 ? `all verified at ${new Date(lastPassMs).toISOString().slice(0, 19)}Z` : undefined,
      foundBlocks > 0 ? `${foundBlocks} damaged blocks found, ${mendedBlocks} restored` : undefined,
      goneReplicas > 0 ? `${goneReplicas} replica files were gone` : undefined,
      strangeFiles > 0 ? `${strangeFiles} files nobody knows` : undefined,
    ].filter(word => word !== undefined)
    if (words.length > 0) figures.push(['scrub', `${server?.serverId.slice(0, 8) ?? ''} ${words.join('; ')}`])
  }
  return figures
}

/** A file is named by its inode number: `find MOUNT -inum N` says its path. */
function damageFigures({ damagedChunks, damaged }: StatusReply): [string, string][] {
  if (damagedChunks === 0) return []
  const figures: [string, string][] = [['damaged', `${damagedChunks} chunks have blocks that are being restored`]]
  for (const { ino, index, blocks } of damaged.filter(({ lost }) => lost)) {
    figures.push(['lost', `${blocks} blocks of chunk ${index} of inode ${ino}: no replica has them`])
  }
  return figures
}

/** Only what is going on, or needs a person. */
function repairFigures(repair: RepairStatus | undefined): [string, string][] {
  if (!repair) return []
  const { queued, repairs, drains, rebalances, bytesPerSecond, waitsMs, withoutTarget } = repair
  const underWay = repairs + drains + rebalances
  const waits = waitsMs > 0 && queued > 0 ? `, waiting ${Math.ceil(waitsMs / 1000)} s for servers to come back` : ''
  const figures: [string, string][] = []
  if (queued > 0 || underWay > 0) {
    figures.push(['copying', `${underWay} under way, ${queued} queued, ${bytesText(bytesPerSecond)}/s${waits}`])
  }
  if (withoutTarget > 0)
    figures.push(['no target', `${withoutTarget} chunks below goal, and no server to copy them to`])
  return figures
}
