// leasefs repair: missing replicas are made at once.

import type { Command } from 'commander'
import { MasterService } from '../wire/gen/services.js'
import { askMaster } from './admin.js'
import { type MasterOptions, masterFrom, withMasterOptions } from './master-option.js'

export function addRepairCommand(parent: Command): void {
  withMasterOptions(parent.command('repair'))
    .description('make missing replicas at once: wait for no server to come back, or not for this one')
    .argument('[server]', 'its id, the beginning of it, or its control address, as status shows them')
    .action(async (server: string | undefined, options: MasterOptions) => {
      const { status } = await askMaster(await masterFrom(options), MasterService.repair, { server: server ?? '' })
      process.stdout.write(`repair begins; ${status?.queued ?? 0} chunks are known to wait for it\n`)
    })
}
