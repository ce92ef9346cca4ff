// The two faces of the data plane: what a client (or a chunkserver as a
// client) asks of it, and what it asks of the chunkserver it serves for. The
// frames are in wire/frames.ts and docs/PROTOCOL.md.

import type { LeasefsError } from '../base/errors.js'
import type { Address } from '../wire/address.js'
import type { ChunkHandle, DataId } from '../wire/ids.js'

/** Bytes to be pushed along a chain of replicas. */
export interface Push {
  readonly id: DataId
  /** Where to: the first gets the bytes from us, each forwards to the next. */
  readonly chain: readonly Address[]
  readonly buffers: readonly Buffer[]
  readonly length: number
  readonly crc32: number
}

/** How a push ended: everyone in the chain holds the bytes, or the links that say otherwise. */
export type PushOutcome =
  | { readonly ok: true }
  | {
      readonly ok: false
      /** Position in the chain of the first server that did not acknowledge. */
      readonly failedAt: number
      /** Those before it hold the bytes. */
      readonly error: LeasefsError
    }

export interface ReadRequest {
  readonly handle: ChunkHandle
  /** A replica of another version refuses. */
  readonly version: number
  readonly offset: number
  /** At most mutationSizeMax. */
  readonly length: number
}

/** Pieces that follow one another; fewer bytes than asked only at the end of the replica. */
export interface ReadBytes {
  readonly buffers: readonly Buffer[]
  readonly length: number
  readonly crc32: number
}

export interface DataClient {
  /** Never rejects. Many pushes may be under way; each connection carries them in the order of the calls. */
  push(push: Push): Promise<PushOutcome>

  /**
   * Reads from one server. The checksum that came with the bytes has been verified.
   *
   * @throws LeasefsError what the server says (NOT_FOUND, STALE_VERSION, CORRUPT, IO, UNAVAILABLE), CORRUPT
   * for bytes damaged on the way, UNAVAILABLE or TIMEOUT for the connection
   */
  read(server: Address, request: ReadRequest): Promise<ReadBytes>

  close(): void
}

/** Takes the bytes of one push as they come. */
export interface PushReceiver {
  /** The receiver keeps the buffer. There is room for it: beginPush() has waited for that. */
  write(bytes: Buffer): void
  /** All have come, and the checksum was right: from here on the data id may be committed. */
  complete(): void
  /** They will not come, or were damaged. */
  abandon(reason: LeasefsError): void
}

/** What a chunkserver does for the data plane. */
export interface DataHandler {
  /**
   * A push begins. Resolves when the push buffer has room for `length` bytes, or
   * rejects well within pushForwardTimeoutMs (limits.ts): the sender counts.
   * `undefined`: the data id is here already; the bytes are only forwarded.
   *
   * @throws LeasefsError UNAVAILABLE: no room came in time
   */
  beginPush(id: DataId, length: number, crc32: number): PushReceiver | undefined | Promise<PushReceiver | undefined>

  /** @throws LeasefsError NOT_FOUND, STALE_VERSION, CORRUPT, IO, UNAVAILABLE */
  read(request: ReadRequest): Promise<ReadBytes>
}

export interface DataServer {
  readonly address: Address
  close(): Promise<void>
}
