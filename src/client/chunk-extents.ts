// Which blocks of a chunk are stored: asked of its replicas, the nearest first.
// For programs that look for holes, and to see what lies beyond the end of a file
// (file-tail.ts), so rarely: each question is a call of its own.

import type { Clock } from '../base/clock.js'
import { errorCodeOf, LeasefsError } from '../base/errors.js'
import { checksumBlockSize, chunkSize } from '../constants.js'
import type { ControlNetwork } from '../rpc/control-network.js'
import type { ExtentsReply } from '../wire/gen/mutation.js'
import { ChunkserverService } from '../wire/gen/services.js'
import type { Ino, OrderPlace } from '../wire/ids.js'
import { extentsTimeoutMs, retryPauseMsMax, retryPauseMsMin } from './limits.js'
import type { LocationCache } from './location-cache.js'
import type { PresentChunk, ReplicaServer } from './locations.js'
import type { Range } from './ranges.js'

export interface ChunkExtentsOptions {
  readonly network: Pick<ControlNetwork, 'connect'>
  readonly locations: Pick<LocationCache, 'locate' | 'forget'>
  readonly clusterId: () => string
  readonly clock: Clock
  /** How long servers that are away are waited for. */
  readonly timeoutMs: number
}

export class ChunkExtents {
  readonly #options: ChunkExtentsOptions

  constructor(options: ChunkExtentsOptions) {
    this.#options = options
  }

  /**
   * What is stored of the chunk, as ranges of it in order; undefined if there is no such chunk.
   *
   * @throws LeasefsError IO: no replica says; what the master says
   */
  async stored(ino: Ino, index: number): Promise<readonly Range[] | undefined> {
    const reply = await this.#askAny(ino, index)
    return reply && storedRanges(reply)
  }

  /** How long its replicas are; 0 if there is no such chunk. @throws LeasefsError as stored() */
  async length(ino: Ino, index: number): Promise<number> {
    return (await this.#askAny(ino, index))?.length ?? 0
  }

  /** Where the order of its mutations stands. Undefined: who was said to be the primary is not. @throws LeasefsError what the master says */
  async order(ino: Ino, index: number): Promise<OrderPlace | undefined> {
    const { locations } = this.#options
    const { chunk } = await locations.locate(ino, index, 'write')
    const reply = chunk?.lease && (await this.#ask(chunk.lease.primary, chunk))
    if (reply && !(reply instanceof LeasefsError) && reply.leaseId !== undefined) {
      return { leaseId: reply.leaseId, serial: reply.serial ?? 0 }
    }
    locations.forget(ino, index)
    return undefined
  }

  async #askAny(ino: Ino, index: number): Promise<ExtentsReply | undefined> {
    const { locations, clock, timeoutMs } = this.#options
    const deadline = clock.now() + timeoutMs
    let error = new LeasefsError('IO', `no replica of chunk ${index} of inode ${ino} says what it has stored`)
    for (let pauseMs = retryPauseMsMin; ; pauseMs = Math.min(2 * pauseMs, retryPauseMsMax)) {
      const { chunk } = await locations.locate(ino, index, 'read')
      if (!chunk) return undefined
      for (const replica of chunk.replicas) {
        const answer = await this.#ask(replica, chunk)
        if (!(answer instanceof LeasefsError)) return answer
        error = new LeasefsError('IO', answer.message, { cause: answer })
      }
      locations.forget(ino, index)
      if (clock.now() + pauseMs >= deadline) throw error
      await clock.sleep(pauseMs)
    }
  }

  async #ask({ control }: ReplicaServer, { handle, version }: PresentChunk): Promise<ExtentsReply | LeasefsError> {
    const peer = this.#options.network.connect(control)
    try {
      const question = { clusterId: this.#options.clusterId(), handle, version }
      const reply = await peer.call(ChunkserverService.extents, question, { timeoutMs: extentsTimeoutMs })
      const { failure } = reply
      return failure ? new LeasefsError(errorCodeOf(failure.code), failure.message) : reply
    } catch (reason) {
      if (!(reason instanceof LeasefsError)) throw reason
      return reason
    } finally {
      peer.close()
    }
  }
}

/** Neighbouring blocks as one range, in bytes of the chunk. */
export function storedRanges({ blocks, length }: Pick<ExtentsReply, 'blocks' | 'length'>): Range[] {
  const ranges: { start: number; end: number }[] = []
  const count = Math.min(blocks.length * 8, Math.ceil(Math.min(length, chunkSize) / checksumBlockSize))
  for (let block = 0; block < count; block++) {
    if (((blocks[block >> 3] as number) & (1 << (block & 7))) === 0) continue
    const start = block * checksumBlockSize
    const last = ranges.at(-1)
    if (last?.end === start) last.end = start + checksumBlockSize
    else ranges.push({ start, end: start + checksumBlockSize })
  }
  return ranges
}
