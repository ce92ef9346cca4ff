// Reads of files past the cache of the system: what the disk has now, not what
// was once written or read. Where the file system has no such reads (O_DIRECT),
// they are ordinary ones.
//
// They want a buffer that begins on a page. The memory of WebAssembly is the
// one kind in Node of which that is known; there is one, so reads take turns.

import { constants, type Stats } from 'node:fs'
import { LeasefsError } from '../../base/errors.js'
import { KiB, MiB } from '../../base/units.js'
import { InOrder } from '../in-order.js'
import { closeFile, fileStats, openFile, readAligned } from './disk.js'

declare const WebAssembly: {
  readonly Memory: new (size: { readonly initial: number }) => { readonly buffer: ArrayBuffer }
}

/** Of WebAssembly. */
const wasmPageSize = 64 * KiB

/** Positions are multiples of this: no disk has larger sectors. */
export const directAlignment = 4 * KiB

/** Bytes of one read. */
export const directReadSizeMax = 1 * MiB

export interface DirectRead {
  /** Good only while it is used. Ends early where the file does. */
  readonly bytes: Buffer
  /** Of the file that has the path now. */
  readonly stats: Stats
}

export class DirectReads {
  readonly #turns = new InOrder<'buffer'>()
  #buffer: Buffer | undefined
  /** How files are opened. */
  #flags: number | 'r' = constants.O_DIRECT === undefined ? 'r' : constants.O_RDONLY | constants.O_DIRECT

  /**
   * Hands over what the file has from `position` on.
   *
   * @throws LeasefsError NOT_FOUND (no file has this path), UNAVAILABLE (it cannot be opened), IO (or not read)
   */
  read<T>(path: string, position: number, length: number, use: (read: DirectRead) => T): Promise<T> {
    return this.#turns.run('buffer', async () => {
      try {
        return await this.#read(path, position, length, use)
      } catch (reason) {
        if (systemCode(reason) !== 'EINVAL' || this.#flags === 'r') throw reason
        this.#flags = 'r'
        return await this.#read(path, position, length, use)
      }
    })
  }

  async #read<T>(path: string, position: number, length: number, use: (read: DirectRead) => T): Promise<T> {
    this.#buffer ??= pageAligned(directReadSizeMax)
    const file = await openFile(path, this.#flags).catch(reason => {
      if (systemCode(reason) === 'EINVAL') throw reason
      throw new LeasefsError(systemCode(reason) === 'ENOENT' ? 'NOT_FOUND' : 'UNAVAILABLE', reason.message, {
        cause: reason,
      })
    })
    try {
      const buffer = this.#buffer.subarray(0, Math.ceil(length / directAlignment) * directAlignment)
      const count = await readAligned(file, buffer, position, directAlignment)
      return use({ bytes: buffer.subarray(0, Math.min(count, length)), stats: await fileStats(file) })
    } finally {
      await closeFile(file)
    }
  }
}

function systemCode(reason: unknown): string | undefined {
  return reason instanceof LeasefsError ? (reason.cause as NodeJS.ErrnoException | undefined)?.code : undefined
}

function pageAligned(size: number): Buffer {
  return Buffer.from(new WebAssembly.Memory({ initial: Math.ceil(size / wasmPageSize) }).buffer)
}
