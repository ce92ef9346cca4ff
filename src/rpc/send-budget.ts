// What waits on all streams of a server for peers that take it slowly or not at
// all. Beyond it, streams that have more than a little of it end.

import { serverQueuedBytesMax, streamShareBytes } from './limits.js'

export class SendBudget {
  readonly #bytesMax: number
  #bytes = 0

  constructor(bytesMax = serverQueuedBytesMax) {
    this.#bytesMax = bytesMax
  }

  /** So many more bytes wait, or fewer. */
  changed(bytes: number): void {
    this.#bytes += bytes
  }

  /** A stream on which so many bytes wait is one of those that take too much. */
  isTooMuch(queuedBytes: number): boolean {
    return this.#bytes > this.#bytesMax && queuedBytes > streamShareBytes
  }
}
