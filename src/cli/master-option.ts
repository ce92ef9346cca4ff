// The options by which a command finds the master it is about.

import type { Command } from 'commander'
import { type Address, addressText } from '../wire/address.js'
import { findMaster } from './cluster-file.js'
import { dataDefault, masterAddressDefault, peerAddress } from './options.js'

export interface MasterOptions {
  readonly master?: Address
  readonly data: string
}

export function withMasterOptions(command: Command): Command {
  return command
    .option(
      '--master <address>',
      `HOST:PORT of the master (default: the one of "up" on --data, of the only mount, or ${addressText(masterAddressDefault)})`,
      peerAddress,
    )
    .option('--data <dir>', 'where "leasefs up" keeps the cluster', dataDefault)
}

export async function masterFrom({ master, data }: MasterOptions): Promise<Address> {
  return master ?? (await findMaster(data))
}
