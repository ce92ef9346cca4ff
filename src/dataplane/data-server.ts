// Pushes and reads, from the side that is asked.

import type { Clock } from '../base/clock.js'
import type { Logger } from '../base/log.js'
import type { Trace } from '../base/trace.js'
import type { Address } from '../wire/address.js'
import type { ByteNetwork } from './byte-network.js'
import type { DataHandler, DataServer } from './data-plane.js'

export interface DataServerOptions {
  readonly network: ByteNetwork
  readonly listen: Address
  readonly handler: DataHandler
  readonly clock: Clock
  readonly log: Logger
  readonly trace?: Trace | undefined
  /** Our server id, for traces and for those we forward to. */
  readonly self: () => string
  /** Clients of another cluster are refused (WRONG_CLUSTER). Empty while it is not known: no one is. */
  readonly clusterId?: () => string
}

/** @throws LeasefsError ADDRESS_IN_USE, INVALID_ARGUMENT */
export async function serveData(_options: DataServerOptions): Promise<DataServer> {
  throw new Error('coming')
}
