// Pushes and reads, from the side that asks. Pushes and reads have connections
// of their own, so that a read does not wait behind pushed bytes.

import assert from 'node:assert/strict'
import type { Clock } from '../base/clock.js'
import { LeasefsError } from '../base/errors.js'
import type { Logger } from '../base/log.js'
import type { Trace } from '../base/trace.js'
import { mutationSizeMax } from '../constants.js'
import { type Address, addressText } from '../wire/address.js'
import { dataIdText } from '../wire/ids.js'
import type { ByteNetwork } from './byte-network.js'
import type { DataClient, Push, PushOutcome, ReadBytes, ReadRequest } from './data-plane.js'
import { clientConnectionsMax } from './limits.js'
import type { LinkOptions } from './link.js'
import { LinkPool } from './link-pool.js'
import { type PushFailure, PushLink } from './push-link.js'
import { ReadLink } from './read-link.js'

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
export function createDataClient(options: DataClientOptions): DataClient {
  return new PooledDataClient(options)
}

class PooledDataClient implements DataClient {
  readonly #trace: Trace | undefined
  readonly #self: () => string
  readonly #pushes: LinkPool<PushLink>
  readonly #reads: LinkPool<ReadLink>
  #closed = false

  constructor({ network, clock, log, trace, self = () => 'client', clusterId = () => '' }: DataClientOptions) {
    this.#trace = trace
    this.#self = self
    const hello = () => ({ type: 'hello', clusterId: clusterId(), self: self() }) as const
    const options: LinkOptions = { network, clock, log, hello }
    this.#pushes = new LinkPool(clientConnectionsMax, address => new PushLink(address, options))
    this.#reads = new LinkPool(clientConnectionsMax, address => new ReadLink(address, options))
  }

  push(push: Push): Promise<PushOutcome> {
    const [first, ...rest] = push.chain
    assert(first, 'a chain has at least one server')
    assert(push.length > 0)
    assert(push.length <= mutationSizeMax)
    this.#tracePush('push.start', push, { from: this.#self(), to: addressText(first) })
    return new Promise(resolve => {
      const acked = (failure: PushFailure | undefined) => {
        if (failure) {
          resolve({ ok: false, failedAt: failure.position, error: failure.error })
          return
        }
        this.#tracePush('push.acked', push, { from: addressText(first), to: this.#self() })
        resolve({ ok: true })
      }
      try {
        const link = this.#link(this.#pushes, first)
        link.begin({ id: push.id, length: push.length, crc32: push.crc32, rest }, push.buffers, acked)
      } catch (reason) {
        if (!(reason instanceof LeasefsError)) throw reason
        resolve({ ok: false, failedAt: 0, error: reason })
      }
    })
  }

  async read(server: Address, request: ReadRequest): Promise<ReadBytes> {
    assert(request.length > 0)
    assert(request.length <= mutationSizeMax)
    return this.#link(this.#reads, server).read(request)
  }

  close(): void {
    this.#closed = true
    const reason = closedError()
    this.#pushes.close(reason)
    this.#reads.close(reason)
  }

  #link<L extends PushLink | ReadLink>(pool: LinkPool<L>, address: Address): L {
    if (this.#closed) throw closedError()
    return pool.get(address)
  }

  #tracePush(
    event: 'push.start' | 'push.acked',
    { id, length, chain }: Push,
    ends: { from: string; to: string },
  ): void {
    this.#trace?.(event, { dataId: dataIdText(id), ...ends, bytes: length, chain: chain.map(addressText) })
  }
}

function closedError(): LeasefsError {
  return new LeasefsError('CANCELLED', 'the data client was closed')
}
