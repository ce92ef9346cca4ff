// ByteNetwork within one process, for tests and for the simulation.
//
// Bytes are copied once, as a real network would: neither end sees what the
// other does to its buffers. Faults are by the address of the server, as in
// rpc/memory-network.ts.

import type { Clock } from '../base/clock.js'
import { LeasefsError } from '../base/errors.js'
import { type Address, addressText } from '../wire/address.js'
import type { ByteNetwork, BytePipe, ByteServer } from './byte-network.js'
import { MemoryPipe, type PipeFaults } from './memory-pipe.js'

interface Listener {
  readonly accept: (pipe: BytePipe) => void
  readonly pipes: Set<MemoryPipe>
}

export class MemoryByteNetwork implements ByteNetwork {
  readonly #clock: Clock
  readonly #listeners = new Map<string, Listener>()
  readonly #faults = new Map<string, PipeFaults>()
  #nextPort = 30_000

  constructor(clock: Clock) {
    this.#clock = clock
  }

  async serve(listen: Address, accept: (pipe: BytePipe) => void): Promise<ByteServer> {
    const address = { host: listen.host, port: listen.port || this.#nextPort++ }
    const key = addressText(address)
    if (this.#listeners.has(key)) throw new LeasefsError('ADDRESS_IN_USE', `${key} is in use by another process`)
    const listener = { accept, pipes: new Set<MemoryPipe>() }
    this.#listeners.set(key, listener)
    const close = async () => {
      if (this.#listeners.get(key) === listener) this.#listeners.delete(key)
      for (const pipe of [...listener.pipes]) pipe.close()
    }
    return { address, close }
  }

  async connect(address: Address, timeoutMs: number): Promise<BytePipe> {
    const key = addressText(address)
    const faults = this.#faultsOf(key)
    await Promise.resolve() // Never within the caller's turn.
    if (faults.silent) await this.#clock.sleep(timeoutMs)
    if (faults.silent) throw new LeasefsError('UNAVAILABLE', `${key} could not be reached in ${timeoutMs} ms`)
    const listener = this.#listeners.get(key)
    if (!listener) throw new LeasefsError('UNAVAILABLE', `${key} could not be reached: ECONNREFUSED`)
    const [ours, theirs] = MemoryPipe.pair(key, 'memory', this.#clock, faults)
    listener.pipes.add(theirs)
    theirs.onEnd = () => listener.pipes.delete(theirs)
    listener.accept(theirs)
    return ours
  }

  /** Breaks the connections with the server at `address`; new ones may be made. What was under way is lost. */
  reset(address: Address): void {
    for (const pipe of [...(this.#listeners.get(addressText(address))?.pipes ?? [])]) pipe.reset()
  }

  /** Holds everything from and to the server back. Nobody is told. */
  silence(address: Address): void {
    this.#faultsOf(addressText(address)).silent = true
  }

  /** Ends a silence: what was held back arrives. */
  heal(address: Address): void {
    const key = addressText(address)
    this.#faultsOf(key).silent = false
    for (const pipe of this.#listeners.get(key)?.pipes ?? []) pipe.heal()
  }

  /** From now on each connection with the server carries so much, each way. */
  throttle(address: Address, bytesPerSecond: number): void {
    this.#faultsOf(addressText(address)).bytesPerSecond = bytesPerSecond
  }

  #faultsOf(key: string): PipeFaults {
    const faults = this.#faults.get(key) ?? { silent: false, bytesPerSecond: Number.POSITIVE_INFINITY }
    this.#faults.set(key, faults)
    return faults
  }
}
