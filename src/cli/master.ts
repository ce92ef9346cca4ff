// leasefs-master: the namespace, the chunk table and the leases of a cluster.

import { Option } from 'commander'
import { openDataDirectory } from '../base/data-directory.js'
import { day, MiB, minute, TiB } from '../base/units.js'
import { formatVersion, goalDefault, goalMax, heartbeatMs, leaseMs } from '../constants.js'
import { minReplicasDefault } from '../master/chunks/limits.js'
import { type Kind, type Limits, limitsDefault, maintenanceMs, repairDelayMs } from '../master/chunks/repair/limits.js'
import { startMaster } from '../master/daemon.js'
import { type Address, addressText } from '../wire/address.js'
import { check, checkPart } from './check.js'
import { type Daemon, runDaemon, type Surroundings } from './daemon.js'
import {
  addDaemonOptions,
  addTrashOptions,
  type DaemonOptions,
  duration,
  listenAddress,
  masterAddressDefault,
  type TrashOptions,
  wholeNumber,
} from './options.js'
import { program, runProgram } from './program.js'
import { restore } from './restore.js'

const name = 'leasefs-master'

/** A primary extends its lease on heartbeats, and needs several before it ends. */
const leaseMsMin = 3 * heartbeatMs
const leaseMsMax = 10 * minute

interface Options extends DaemonOptions, TrashOptions {
  readonly data: string
  readonly listen: Address
  readonly goal: number
  readonly durability: 'process' | 'disk'
  readonly leaseMs: number
  readonly sessionMs?: number
  readonly repairDelay: number
  readonly maintenance: number
  readonly repairRate: number
  readonly drainRate: number
  readonly rebalanceRate: number
  readonly minReplicas: number
  readonly recordsLost?: boolean
  readonly restore?: string
  readonly check?: boolean
  readonly checkPart?: string
  readonly snapshotBytes?: number
}

/** What comes to one server, in MiB/s. */
const rate = wholeNumber(1, 100_000)

const mebibytesOf = (kind: Kind) => limitsDefault[kind].bytesPerSecond / MiB

export async function main(): Promise<void> {
  const command = program(name, 'Keeps the namespace, the chunk table and the leases of a cluster.')
    .requiredOption('--data <dir>', 'directory of the journal and the state; made if it is missing')
    .option('--listen <address>', 'HOST:PORT to listen on', listenAddress, masterAddressDefault)
    .option('--goal <count>', 'replicas of each chunk of a new file', wholeNumber(1, goalMax), goalDefault)
    .addOption(
      new Option('--durability <level>', 'what an answer waits for: the journal written, or on the disk')
        .choices(['process', 'disk'])
        .default('process'),
    )
    .option(
      '--repair-delay <time>',
      'wait so long for a server that vanished before what it held is copied; not for last copies',
      duration(0, day),
      repairDelayMs,
    )
    .option(
      '--maintenance <time>',
      'copy nothing for so long in place of a server that was stopped in order',
      duration(0, 7 * day),
      maintenanceMs,
    )
    .option(
      '--repair-rate <MiB/s>',
      'copy so much to one server to replace what is missing',
      rate,
      mebibytesOf('repair'),
    )
    .option('--drain-rate <MiB/s>', 'to empty servers', rate, mebibytesOf('drain'))
    .option('--rebalance-rate <MiB/s>', 'to even out their use', rate, mebibytesOf('rebalance'))
    .option('--min-replicas <count>', 'a chunk with fewer takes no writes', wholeNumber(1, goalMax), minReplicasDefault)
    .option('--records-lost', 'the directory is an older copy and there is no newer one: go on from it')
    .option('--check', 'say whether the directory is whole, and end: 0 if it is, 2 if not, 1 if that cannot be said')
    .addOption(new Option('--check-part <json>').hideHelp())
    .option('--restore <file>', 'make the directory from what "leasefs backup" wrote, and end')
    .addOption(
      new Option('--snapshot-bytes <bytes>', 'of the journal, after which a snapshot is taken')
        .argParser(wholeNumber(1, TiB))
        .hideHelp(),
    )
    .addOption(
      new Option('--lease-ms <ms>', 'how long a chunk lease lasts unless it is extended')
        .argParser(wholeNumber(leaseMsMin, leaseMsMax))
        .default(leaseMs)
        .hideHelp(),
    )
    .addOption(
      new Option('--session-ms <ms>', 'how long a client that has gone silent may come back')
        .argParser(wholeNumber(leaseMsMin, leaseMsMax))
        .hideHelp(),
    )
  addDaemonOptions(addTrashOptions(command)).action((options: Options) => {
    if (options.checkPart !== undefined) return checkPart(options.checkPart)
    if (options.check) return check(options.data)
    if (options.restore !== undefined) return restore(options.restore, options.data)
    return runDaemon(name, options, around => start(options, around))
  })
  await runProgram(command)
}

async function start(
  options: Options,
  { clock, random, log, control, trace, identify }: Surroundings,
): Promise<Daemon> {
  const dataDirectory = await openDataDirectory(options.data, 'master', { formatVersion, clock, random })
  identify(() => 'master')
  const { listen, goal, durability, leaseMs, sessionMs } = options
  const kept = { trashMs: options.trash, trashBytesMax: options.trashBytes }
  const waits = { repairDelayMs: options.repairDelay, maintenanceMs: options.maintenance }
  const { minReplicas, recordsLost = false, snapshotBytes } = options
  const settings = {
    listen,
    goal,
    durability,
    leaseMs,
    sessionMs,
    ...kept,
    ...waits,
    minReplicas,
    recordsLost,
    snapshotBytes,
    copyLimits: copyLimits(options),
  }
  try {
    const master = await startMaster({ dataDirectory, network: control, clock, random, log, trace, ...settings })
    return {
      ready: `listening on ${addressText(master.address)}, cluster ${master.clusterId}`,
      async close() {
        await master.close()
        await dataDirectory.close()
      },
    }
  } catch (reason) {
    await dataDirectory.close()
    throw reason
  }
}

function copyLimits({ repairRate, drainRate, rebalanceRate }: Options): Limits {
  const { repair, drain, rebalance } = limitsDefault
  return {
    repair: { ...repair, bytesPerSecond: repairRate * MiB },
    drain: { ...drain, bytesPerSecond: drainRate * MiB },
    rebalance: { ...rebalance, bytesPerSecond: rebalanceRate * MiB },
  }
}
