// What the data plane needs of a network: reliable byte pipes with
// backpressure. Frames, pushes and reads are built on these, once, for the real
// network (tcp-network.ts) and for the in-memory one (memory-network.ts); both
// pass test/suites/byte-network.ts.

import type { LeasefsError } from '../base/errors.js'
import type { Address } from '../wire/address.js'

export interface BytePipe {
  /**
   * Sends the buffers in order, without copying them: they belong to the pipe
   * until they are sent. False when the peer is slower than we are: stop and
   * wait for onDrain (what was given is sent all the same).
   */
  write(buffers: readonly Buffer[]): boolean

  /** Bytes given to write() and not yet taken by the system. */
  readonly queuedBytes: number

  /** Sets who is told that write() may go on. */
  onDrain(drained: () => void): void

  /** Sets who gets the bytes, in pieces of any size. The receiver may keep each buffer. */
  onData(receive: (bytes: Buffer) => void): void

  /** Stops and resumes onData: the peer's write() then fills up and says false. */
  pause(): void
  resume(): void

  /** Calls back once when the pipe is closed, by whomever. */
  onClose(closed: (reason: LeasefsError) => void): void

  /** Closes at once; what is queued may be lost. */
  close(): void

  /** Where the peer is, for logs. */
  readonly peer: string
}

export interface ByteServer {
  readonly address: Address
  /** Stops listening and closes every pipe. */
  close(): Promise<void>
}

export interface ByteNetwork {
  /** @throws LeasefsError ADDRESS_IN_USE, INVALID_ARGUMENT */
  serve(listen: Address, accept: (pipe: BytePipe) => void): Promise<ByteServer>

  /** @throws LeasefsError UNAVAILABLE: refused, unreachable, or not connected within `timeoutMs` */
  connect(address: Address, timeoutMs: number): Promise<BytePipe>
}
