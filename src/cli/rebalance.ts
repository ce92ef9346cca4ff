// leasefs rebalance: evens out the use of servers. The master does it; the
// command shows how far it is, and may be left at any time.

import { setTimeout as sleep } from 'node:timers/promises'
import type { Command } from 'commander'
import type { RebalanceStatus } from '../wire/gen/admin.js'
import { MasterService } from '../wire/gen/services.js'
import { askMaster } from './admin.js'
import { progressPauseMs } from './limits.js'
import { type MasterOptions, masterFrom, withMasterOptions } from './master-option.js'
import { wholeNumber } from './options.js'
import { type Progress, watchProgress } from './progress.js'
import { bytesText } from './table.js'

interface Options extends MasterOptions {
  readonly to?: number
  readonly stop?: boolean
  readonly wait: boolean
  readonly json?: boolean
}

export function addRebalanceCommand(parent: Command): void {
  withMasterOptions(parent.command('rebalance'))
    .description('move replicas until all servers are about equally full')
    .option('--to <percent>', "how far a server's use may be from the average (default: 5)", wholeNumber(1, 50))
    .option('--stop', 'move no more')
    .option('--no-wait', 'do not watch; the work goes on all the same')
    .option('--json', 'for programs: how it stands when the command ends')
    .action(async (options: Options) => {
      const { to: percent = 0, stop = false, wait, json } = options
      const master = await masterFrom(options)
      let { status } = await askMaster(master, MasterService.rebalance, { percent, stop })
      if (!stop && wait) {
        const look = async () => {
          status = (await askMaster(master, MasterService.progress, {})).rebalance
          return rebalanceProgress(status)
        }
        await watchProgress(look, () => sleep(progressPauseMs), json ? { write: () => {} } : process.stdout)
      }
      if (json) process.stdout.write(`${JSON.stringify(status ?? null, undefined, 2)}\n`)
      else if (stop || !wait) process.stdout.write(`${rebalanceProgress(status).text}\n`)
    })
}

export function rebalanceProgress(status: RebalanceStatus | undefined): Progress {
  if (!status) return { share: 1, text: 'nothing is being moved', done: true }
  const { running, movedReplicas, movedBytes, remainingBytes, leastUsed, mostUsed } = status
  const total = movedBytes + remainingBytes
  const used = (hundredths: number) => `${(hundredths / 100).toFixed(1)} %`
  const text = `${movedReplicas} replicas moved (${bytesText(movedBytes)}); servers are ${used(leastUsed)} to ${used(mostUsed)} full`
  return { share: running && total > 0 ? movedBytes / total : 1, text, done: !running }
}
