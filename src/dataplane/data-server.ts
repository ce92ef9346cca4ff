// Pushes and reads, from the side that is asked.

import type { Clock } from '../base/clock.js'
import type { Logger } from '../base/log.js'
import { LogLimit } from '../base/log-limit.js'
import type { Trace } from '../base/trace.js'
import type { Address } from '../wire/address.js'
import { AnswerBudget } from './answer-budget.js'
import type { ByteNetwork, BytePipe } from './byte-network.js'
import { DataConnection } from './data-connection.js'
import type { DataHandler, DataServer } from './data-plane.js'
import { lookMs, serverConnectionsMax } from './limits.js'

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
export async function serveData(options: DataServerOptions): Promise<DataServer> {
  const { network, listen, handler, clock, trace, self, clusterId = () => '' } = options
  const log = new LogLimit(options.log, clock)
  const hello = () => ({ type: 'hello', clusterId: clusterId(), self: self() }) as const
  const answers = new AnswerBudget()
  const connection = { handler, clock, log, trace, self, clusterId, answers, link: { network, clock, log, hello } }
  const connections = new Set<DataConnection>()
  const accept = (pipe: BytePipe) => {
    if (connections.size >= serverConnectionsMax) {
      const idle = idlest(connections)
      if (!idle) {
        log.warn({ peer: pipe.peer, count: connections.size }, 'data connection refused: too many')
        pipe.close()
        return
      }
      idle.giveWay()
      connections.delete(idle)
    }
    const added: DataConnection = new DataConnection(pipe, connection, () => connections.delete(added))
    connections.add(added)
  }
  const server = await network.serve(listen, accept)
  const look = (): (() => void) =>
    clock.after(lookMs, () => {
      for (const one of connections) one.look(clock.now())
      cancelLook = look()
    })
  let cancelLook = look()
  return {
    address: server.address,
    close() {
      cancelLook()
      return server.close()
    },
  }
}

/** The connection that has been waiting for a question longest, if one has. */
function idlest(connections: Iterable<DataConnection>): DataConnection | undefined {
  let first: DataConnection | undefined
  for (const one of connections) {
    if (one.idleSince === undefined) continue
    if (first?.idleSince === undefined || one.idleSince < first.idleSince) first = one
  }
  return first
}
