// ControlNetwork over gRPC.

import { Socket } from 'node:net'
import type { Clock } from '../base/clock.js'
import type { Logger } from '../base/log.js'
import type { Address } from '../wire/address.js'
import type { ControlNetwork, ControlPeer, ControlServer, Handler } from './control-network.js'
import { GrpcPeer } from './grpc-peer.js'
import { serveGrpc } from './grpc-server.js'

export class GrpcNetwork implements ControlNetwork {
  readonly #clock: Clock
  readonly #log: Logger

  constructor(clock: Clock, log: Logger) {
    this.#clock = clock
    this.#log = log
  }

  serve(listen: Address, handlers: readonly Handler[]): Promise<ControlServer> {
    return serveGrpc(listen, handlers, this.#clock, this.#log)
  }

  connect(address: Address): ControlPeer {
    return new GrpcPeer(address, this.#clock)
  }

  probe({ host, port }: Address, timeoutMs: number): Promise<'listening' | 'refused' | 'silent'> {
    return new Promise(resolve => {
      const socket = new Socket()
      const finish = (result: 'listening' | 'refused' | 'silent') => {
        cancelTimer()
        socket.destroy()
        resolve(result)
      }
      const cancelTimer = this.#clock.after(timeoutMs, () => finish('silent'))
      socket.on('connect', () => finish('listening'))
      socket.on('error', (error: NodeJS.ErrnoException) => finish(error.code === 'ECONNREFUSED' ? 'refused' : 'silent'))
      socket.connect(port, host)
    })
  }
}
