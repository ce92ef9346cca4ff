// leasefs scrub: all replicas of a server, or of all, are verified now.

import { type Command, InvalidArgumentError } from 'commander'
import { MasterService } from '../wire/gen/services.js'
import { askMaster } from './admin.js'
import { type MasterOptions, masterFrom, withMasterOptions } from './master-option.js'
import { byteCount } from './options.js'

interface Options extends MasterOptions {
  readonly all?: boolean
  readonly rate?: number
}

export function addScrubCommand(parent: Command): void {
  withMasterOptions(parent.command('scrub'))
    .description('have a server read all its replicas from the disk and verify them, from now on; see status')
    .argument('[server]', 'its id, the beginning of it, or its control address, as status shows them')
    .option('--all', 'all servers that are connected')
    .option('--rate <size>', 'so much a second at most, on each; 0: the usual rate of the server', byteCount, 0)
    .action(async (server: string | undefined, { all = false, rate = 0, ...options }: Options) => {
      if (all === (server !== undefined)) throw new InvalidArgumentError('Name a server, or say --all.')
      const request = { server: server ?? '', bytesPerSecond: rate }
      const { serverIds } = await askMaster(await masterFrom(options), MasterService.scrub, request)
      process.stdout.write(`${serverIds.length} servers verify all their replicas\n`)
    })
}
