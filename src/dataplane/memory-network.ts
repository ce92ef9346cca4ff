// ByteNetwork within one process, for tests and for the simulation.

import type { Clock } from '../base/clock.js'
import type { Address } from '../wire/address.js'
import type { ByteNetwork, BytePipe, ByteServer } from './byte-network.js'

export class MemoryByteNetwork implements ByteNetwork {
  readonly clock: Clock

  constructor(clock: Clock) {
    this.clock = clock
  }

  serve(_listen: Address, _accept: (pipe: BytePipe) => void): Promise<ByteServer> {
    throw new Error('coming')
  }

  connect(_address: Address, _timeoutMs: number): Promise<BytePipe> {
    throw new Error('coming')
  }
}
