// Pushes and reads, from the side that is asked.

import type { Clock } from '../base/clock.js'
import type { Logger } from '../base/log.js'
import type { Trace } from '../base/trace.js'
import type { Address } from '../wire/address.js'
import type { ByteNetwork, BytePipe } from './byte-network.js'
import { DataConnection } from './data-connection.js'
import type { DataHandler, DataServer } from './data-plane.js'
import { serverConnectionsMax } from './limits.js'

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

/**
 * Serves until it is closed. Pushes that are under way then are abandoned.
 *
 * @throws LeasefsError ADDRESS_IN_USE, INVALID_ARGUMENT
 */
export function serveData(options: DataServerOptions): Promise<DataServer> {
  const { network, listen, handler, clock, log, trace, self, clusterId = () => '' } = options
  const hello = () => ({ type: 'hello', clusterId: clusterId(), self: self() }) as const
  const connection = { handler, clock, log, trace, self, clusterId, link: { network, clock, log, hello } }
  let count = 0
  const accept = (pipe: BytePipe) => {
    if (count >= serverConnectionsMax) {
      log.warn({ peer: pipe.peer, count }, 'data connection refused: too many')
      pipe.close()
      return
    }
    count++
    new DataConnection(pipe, connection, () => count--)
  }
  return network.serve(listen, accept)
}
