// ControlNetwork within one process, for tests and for the simulation.

import type { Clock } from '../base/clock.js'
import type { Address } from '../wire/address.js'
import type { ControlNetwork, ControlPeer, ControlServer, Handler } from './control-network.js'

export class MemoryControlNetwork implements ControlNetwork {
  readonly clock: Clock

  constructor(clock: Clock) {
    this.clock = clock
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
