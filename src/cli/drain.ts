// leasefs drain: moves everything off a server. The master does it, and
// remembers; the command shows how far it is, and may be left at any time.

import { setTimeout as sleep } from 'node:timers/promises'
import type { Command } from 'commander'
import type { DrainStatus } from '../wire/gen/admin.js'
import { MasterService } from '../wire/gen/services.js'
import { askMaster } from './admin.js'
import { progressPauseMs } from './limits.js'
import { type MasterOptions, masterFrom, withMasterOptions } from './master-option.js'
import { type Progress, watchProgress } from './progress.js'

interface Options extends MasterOptions {
  readonly undo?: boolean
  readonly wait: boolean
  readonly json?: boolean
}

export function addDrainCommand(parent: Command): void {
  withMasterOptions(parent.command('drain'))
    .description('move everything off a server, which goes on serving; it gets nothing new until --undo')
    .argument('<server>', 'its id, the beginning of it, or its control address, as status shows them')
    .option('--undo', 'the server takes replicas again')
    .option('--no-wait', 'do not watch; the work goes on all the same')
    .option('--json', 'for programs: how it stands when the command ends')
    .action(async (server: string, options: Options) => {
      const { undo = false, wait, json } = options
      const master = await masterFrom(options)
      const { serverId, drain } = await askMaster(master, MasterService.drain, { server, undo })
      let status = drain
      if (!undo && wait) {
        let most = 0
        const look = async () => {
          const { draining } = await askMaster(master, MasterService.progress, {})
          status = draining.find(each => each.serverId === serverId)
          most = Math.max(most, status?.remaining ?? 0)
          return drainProgress(serverId, status, most)
        }
        await watchProgress(look, () => sleep(progressPauseMs), json ? { write: () => {} } : process.stdout)
      }
      if (json) process.stdout.write(`${JSON.stringify({ serverId, drain: status ?? null }, undefined, 2)}\n`)
      else if (undo) process.stdout.write(`server ${serverId} takes replicas again\n`)
      else if (!wait) process.stdout.write(`server ${serverId} is being emptied; see "leasefs status"\n`)
      if (!undo && wait && status && !status.done) process.exitCode = 1
    })
}

/** `most`: the largest number of replicas that remained so far. */
export function drainProgress(serverId: string, status: DrainStatus | undefined, most: number): Progress {
  if (!status) return { share: 0, text: `server ${serverId} is not being emptied any more`, done: true }
  const { remaining, withoutTarget, done } = status
  if (done) return { share: 1, text: `server ${serverId} is empty and may be taken away`, done }
  if (remaining < 0) return { share: 0, text: 'counting what is on it', done: false }
  const share = most > 0 ? 1 - remaining / most : 0
  const stuck = remaining > 0 && withoutTarget >= remaining
  const why = withoutTarget > 0 ? `, ${withoutTarget} of which no other server can take` : ''
  return { share, text: `${remaining} replicas left${why}`, done: stuck }
}
