// /dev/fuse: requests come by reading, answers and notifications go by writing.
//
// A read waits in the kernel on a thread of the pool; two are outstanding, so
// that one is there while the other's request is handled. Answers are written
// at once. Notifications are not: the kernel may wait for locks that a request
// of this very mount holds until we answer it, so they go through the pool.

import { close, read, write, writevSync } from 'node:fs'
import { deferred } from '../../../base/deferred.js'
import type { Logger } from '../../../base/log.js'
import { readsOutstanding, requestBuffersMax, requestBytesMax, requestHeadMax } from './limits.js'

/** Where requests come from: the kernel, or a test. */
export interface Device {
  /**
   * Hands every request to `handle`, with a function to call when its bytes are
   * not needed any more. Resolves when the mount has gone.
   */
  serve(handle: (request: Buffer, release: () => void) => void): Promise<void>

  /** False: the kernel does not wait for this answer any more. */
  answer(pieces: readonly Buffer[]): boolean

  /** Resolves when the kernel has done it; to false if there was nothing to be done, or it does not know how. */
  notify(message: Buffer): Promise<boolean>

  close(): void
}

/** Reading ended because of the kernel, and may go on. */
const transient = new Set(['EINTR', 'EAGAIN', 'ENOENT'])
/** There is no mount any more. */
const gone = new Set(['ENODEV', 'ECONNABORTED', 'EBADF'])
/** What is no longer waited for, or was not known. */
const ignored = new Set(['ENOENT', 'ENODEV', 'EBADF', 'ENOTDIR', 'ENOTEMPTY', 'EINVAL'])

export class FuseDevice implements Device {
  readonly #fd: number
  readonly #log: Logger
  readonly #free: Buffer[] = []
  #buffers = 0
  #wanting: ((buffer: Buffer) => void)[] = []
  #closed = false

  constructor(fd: number, log: Logger) {
    this.#fd = fd
    this.#log = log
  }

  async serve(handle: (request: Buffer, release: () => void) => void): Promise<void> {
    const readers = Array.from({ length: readsOutstanding }, () => this.#readOn(handle))
    await Promise.all(readers)
  }

  answer(pieces: readonly Buffer[]): boolean {
    try {
      writevSync(this.#fd, pieces)
      return true
    } catch (reason) {
      const { code = '' } = reason as NodeJS.ErrnoException
      if (!ignored.has(code) || code === 'EINVAL') this.#log.error({ err: reason }, 'the kernel took no answer')
      return false
    }
  }

  notify(message: Buffer): Promise<boolean> {
    return new Promise(resolve => {
      write(this.#fd, message, 0, message.length, null, error => {
        if (error && !ignored.has(error.code ?? '')) this.#log.warn({ err: error }, 'the kernel took no notification')
        resolve(!error)
      })
    })
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    close(this.#fd, () => {})
  }

  #readOn(handle: (request: Buffer, release: () => void) => void): Promise<void> {
    const ended = deferred<void>()
    const next = (buffer: Buffer) => {
      read(this.#fd, buffer, 0, buffer.length, null, (error, length) => {
        if (!error) {
          handle(buffer.subarray(0, length), () => this.#give(buffer))
          // The answer first, if there is one already: handing a read to a thread wakes it, and a caller is waiting.
          setImmediate(() => this.#take(next))
        } else if (transient.has(error.code ?? '')) next(buffer)
        else {
          if (!gone.has(error.code ?? '')) this.#log.error({ err: error }, 'reading from the kernel failed')
          ended.resolve()
        }
      })
    }
    this.#take(next)
    return ended.promise
  }

  /** Calls `next` with a buffer, as soon as there is one. */
  #take(next: (buffer: Buffer) => void): void {
    const buffer = this.#free.pop()
    if (buffer) next(buffer)
    else if (this.#buffers < requestBuffersMax) {
      this.#buffers++
      next(Buffer.allocUnsafeSlow(requestBytesMax + requestHeadMax))
    } else this.#wanting.push(next)
  }

  #give(buffer: Buffer): void {
    const next = this.#wanting.shift()
    if (next) next(buffer)
    else this.#free.push(buffer)
  }
}
