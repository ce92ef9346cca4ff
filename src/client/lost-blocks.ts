// Blocks that no replica has whole, as reads have met them. They are waited for
// once, in case they are just being restored: not by each read anew, of which
// there may be many around one damaged block.

import { LRUCache } from 'lru-cache'
import { LeasefsError } from '../base/errors.js'
import { type ChunkHandle, handleText } from '../wire/ids.js'
import { lostBlocksMax, lostForgetMs } from './limits.js'

/** Every replica that there is says that this block is damaged. */
export class BlockLostError extends LeasefsError {
  /** When it was first met, by the clock. */
  readonly since: number

  constructor(handle: ChunkHandle, index: number, since: number, cause: LeasefsError) {
    super(cause.code, `block ${index} of chunk ${handleText(handle)} is damaged on every replica`, { cause })
    this.since = since
  }
}

export class LostBlocks {
  readonly #met = new LRUCache<string, { readonly first: number; readonly last: number }>({ max: lostBlocksMax })

  /** A read has met the block. Returns when one first did, unless that is long past. */
  met(handle: ChunkHandle, index: number, now: number): number {
    const key = `${handle} ${index}`
    const known = this.#met.get(key)
    const first = known && now - known.last < lostForgetMs ? known.first : now
    this.#met.set(key, { first, last: now })
    return first
  }
}
