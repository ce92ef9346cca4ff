// leasefs status: the servers of a cluster, and whether its chunks have the
// replicas they should.

import type { Command } from 'commander'
import type { MasterDiskStatus, RepairStatus, ServerStatus, StatusReply, TrashStatus } from '../wire/gen/admin.js'
import { MasterService } from '../wire/gen/services.js'
import { askMaster } from './admin.js'
import { type MasterOptions, masterFrom, withMasterOptions } from './master-option.js'
import { bytesText, table } from './table.js'

interface Options extends MasterOptions {
  readonly json?: boolean
}

export function addStatusCommand(parent: Command): void {
  withMasterOptions(parent.command('status'))
    .description('show the servers of a cluster, and whether its chunks have the replicas they should')
    .option('--json', 'for programs')
    .action(async (options: Options) => {
      const reply = await askMaster(await masterFrom(options), MasterService.status, {})
      process.stdout.write(`${options.json ? statusJson(reply) : statusText(reply)}\n`)
    })
}

export function statusJson(reply: StatusReply): string {
  const servers = reply.servers.map(({ server, ...figures }) => ({ ...server, ...figures }))
  return JSON.stringify({ ...reply, servers }, undefined, 2)
}

export function statusText(reply: StatusReply): string {
  const { clusterId, goal, inodes, chunks, chunksBelowGoal, chunksMissing, leasesInForce, clients } = reply
  const figures: [string, string | number][] = [
    ['cluster', clusterId],
    ['goal', goal],
    ['clients', clients],
    ['inodes', inodes],
    ['chunks', chunks],
    ['below goal', chunksBelowGoal],
    ['missing', chunksMissing],
    ['leases', leasesInForce],
    ...trashFigures(reply.trash),
    ...diskFigures(reply.disk),
    ...unknownFigures(reply),
    ...damageFigures(reply),
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
  return `${summary}\n\n${rows.length > 0 ? table(headings, rows) : 'no chunkservers'}`
}

function standingText({
  connected,
  silentMs,
  draining,
  maintenanceMs,
  seenLaterMaster,
}: Pick<ServerStatus, 'connected' | 'silentMs' | 'draining' | 'maintenanceMs' | 'seenLaterMaster'>): string {
  const seconds = (ms: number) => (ms / 1000).toFixed(0)
  const standing = connected ? 'connected' : `silent for ${seconds(silentMs)} s`
  if (!connected && maintenanceMs > 0) return `in maintenance, ${seconds(maintenanceMs)} s left`
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
