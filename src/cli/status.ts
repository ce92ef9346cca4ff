// leasefs status: the servers of a cluster, and whether its chunks have the
// replicas they should.

import type { Command } from 'commander'
import { type Address, addressText } from '../wire/address.js'
import type { StatusReply } from '../wire/gen/admin.js'
import { MasterService } from '../wire/gen/services.js'
import { askMaster } from './admin.js'
import { findMaster } from './cluster-file.js'
import { dataDefault, masterAddressDefault, peerAddress } from './options.js'
import { bytesText, table } from './table.js'

interface Options {
  readonly master?: Address
  readonly data: string
  readonly json?: boolean
}

export function addStatusCommand(parent: Command): void {
  parent
    .command('status')
    .description('show the servers of a cluster, and whether its chunks have the replicas they should')
    .option(
      '--master <address>',
      `HOST:PORT of the master (default: the one of "up" on --data, of the only mount, or ${addressText(masterAddressDefault)})`,
      peerAddress,
    )
    .option('--data <dir>', 'where "leasefs up" keeps the cluster', dataDefault)
    .option('--json', 'for programs')
    .action(async (options: Options) => {
      const master = options.master ?? (await findMaster(options.data))
      const reply = await askMaster(master, MasterService.status, {})
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
  ]
  const summary = figures.map(([name, value]) => `${`${name}:`.padEnd(12)}${value}`).join('\n')
  const rows = reply.servers.map(({ server, connected, silentMs, replicas, leases, freeBytes, totalBytes }) => [
    server?.serverId ?? '',
    connected ? 'connected' : `silent for ${(silentMs / 1000).toFixed(0)} s`,
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
