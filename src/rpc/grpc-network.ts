// ControlNetwork over gRPC.

import type { Clock } from '../base/clock.js'
import type { Logger } from '../base/log.js'
import type { Address } from '../wire/address.js'
import type { ControlNetwork, ControlPeer, ControlServer, Handler } from './control-network.js'

export class GrpcNetwork implements ControlNetwork {
  readonly clock: Clock
  readonly log: Logger

  constructor(clock: Clock, log: Logger) {
    this.clock = clock
    this.log = log
  }

  serve(_listen: Address, _handlers: readonly Handler[]): Promise<ControlServer> {
    throw new Error('coming')
  }

  connect(_address: Address): ControlPeer {
    throw new Error('coming')
  }

  probe(_address: Address, _timeoutMs: number): Promise<'listening' | 'refused' | 'silent'> {
    throw new Error('coming')
  }
}
