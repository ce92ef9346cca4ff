// Pushes and reads, from the side that asks.

import type { Clock } from '../base/clock.js'
import type { Logger } from '../base/log.js'
import type { Trace } from '../base/trace.js'
import type { ByteNetwork } from './byte-network.js'
import type { DataClient } from './data-plane.js'

export interface DataClientOptions {
  readonly network: ByteNetwork
  readonly clock: Clock
  readonly log: Logger
  readonly trace?: Trace | undefined
  /** Who we are, for the traces of the servers: "client:SESSION", or a server id. Asked for at each connection. */
  readonly self?: () => string
  /** Servers of another cluster refuse us (WRONG_CLUSTER). Empty while it is not known: everyone serves us. */
  readonly clusterId?: () => string
}

/** Connects when something is first asked of a server, and keeps the connections. */
export function createDataClient(_options: DataClientOptions): DataClient {
  throw new Error('coming')
}
