// ByteNetwork over TCP.

import type { Address } from '../wire/address.js'
import type { ByteNetwork, BytePipe, ByteServer } from './byte-network.js'

export class TcpNetwork implements ByteNetwork {
  serve(_listen: Address, _accept: (pipe: BytePipe) => void): Promise<ByteServer> {
    throw new Error('coming')
  }

  connect(_address: Address, _timeoutMs: number): Promise<BytePipe> {
    throw new Error('coming')
  }
}
