// Buffers of one mutation's size, used again and again: a fresh megabyte costs
// more in page faults than copying a megabyte into it.
//
// Only who can prove that nobody reads a buffer any more gives it back; one
// that is not given back is simply collected.

import { mutationSizeMax } from '../constants.js'
import { buffersPooledMax } from './limits.js'

export class BufferPool {
  readonly #free: Buffer[] = []

  /** At least `size` bytes, of any content. */
  take(size: number): Buffer {
    if (size < mutationSizeMax) return Buffer.allocUnsafeSlow(size)
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(mutationSizeMax)
  }

  give(buffer: Buffer): void {
    if (buffer.length === mutationSizeMax && this.#free.length < buffersPooledMax) this.#free.push(buffer)
  }
}
