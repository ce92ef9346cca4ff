// The error of a block that no replica has whole.

import { LeasefsError } from '../base/errors.js'
import { type ChunkHandle, handleText } from '../wire/ids.js'

/** Every replica that there is says that this block is damaged. */
export class BlockLostError extends LeasefsError {
  /** When a read first met it, by the clock. */
  readonly since: number

  constructor(handle: ChunkHandle, index: number, since: number, cause: LeasefsError) {
    super(cause.code, `block ${index} of chunk ${handleText(handle)} is damaged on every replica`, { cause })
    this.since = since
  }
}
