// An open file, in the shape of Node's fs.promises.FileHandle.

import { LeasefsError } from '../base/errors.js'
import { mutationSizeMax } from '../constants.js'
import type { FileSystem, OpenFile } from './file-system.js'
import { Stats, timestampFrom } from './stats.js'

export type Encoding = BufferEncoding

/**
 * An open file. Close it when done: `await using file = await client.open(…)`,
 * or `file.close()`.
 */
export class FileHandle {
  readonly #fileSystem: FileSystem
  readonly #file: OpenFile
  #position = 0

  /** @internal Use Client.open(). */
  constructor(fileSystem: FileSystem, file: OpenFile) {
    this.#fileSystem = fileSystem
    this.#file = file
  }

  /** The inode number. */
  get ino(): number {
    return this.#file.ino
  }

  /**
   * Reads into `buffer` from `offset` on, at most `length` bytes, from `position`
   * of the file; without a position from where the last read or write of this kind ended.
   * Fewer bytes than asked mean the end of the file.
   */
  async read<T extends Uint8Array>(
    buffer: T,
    offset = 0,
    length: number = buffer.byteLength - offset,
    position: number | null = null,
  ): Promise<{ bytesRead: number; buffer: T }> {
    if (offset < 0 || length < 0 || offset + length > buffer.byteLength) throw badRange(offset, length)
    const from = position ?? this.#position
    const pieces = await this.#file.read(from, length)
    let at = offset
    for (const piece of pieces) {
      buffer.set(piece, at)
      at += piece.length
    }
    const bytesRead = at - offset
    if (position === null) this.#position = from + bytesRead
    return { bytesRead, buffer }
  }

  /**
   * Writes `length` bytes of `buffer` from `offset` on to `position` of the file; without a
   * position to where the last one ended. The bytes are taken at once and written behind: errors
   * show in a later write, in sync() or in close().
   */
  async write<T extends Uint8Array>(
    buffer: T,
    offset = 0,
    length: number = buffer.byteLength - offset,
    position: number | null = null,
  ): Promise<{ bytesWritten: number; buffer: T }> {
    if (offset < 0 || length < 0 || offset + length > buffer.byteLength) throw badRange(offset, length)
    const to = position ?? this.#position
    await this.#writeAll(to, Buffer.from(buffer.buffer, buffer.byteOffset + offset, length))
    if (position === null) this.#position = to + length
    return { bytesWritten: length, buffer }
  }

  /** The rest of the file, from the current position. */
  readFile(): Promise<Buffer>
  readFile(encoding: Encoding): Promise<string>
  async readFile(encoding?: Encoding): Promise<Buffer | string> {
    const pieces: Buffer[] = []
    for (;;) {
      const read = await this.#file.read(this.#position, mutationSizeMax)
      if (read.length === 0) break
      pieces.push(...read)
      for (const { length } of read) this.#position += length
    }
    const whole = Buffer.concat(pieces)
    return encoding ? whole.toString(encoding) : whole
  }

  /** Writes from the current position on. */
  async writeFile(data: string | Uint8Array): Promise<void> {
    const bytes = typeof data === 'string' ? Buffer.from(data) : data
    await this.write(bytes)
  }

  /** As writeFile(): with the flag "a" each write goes to the end of the file. */
  appendFile(data: string | Uint8Array): Promise<void> {
    return this.writeFile(data)
  }

  /** Resolves when everything written is on the disks of all replicas, and the file's size on the master's. */
  sync(): Promise<void> {
    return this.#file.sync()
  }

  /** As sync(). */
  datasync(): Promise<void> {
    return this.#file.sync()
  }

  async stat(): Promise<Stats> {
    return new Stats(await this.#fileSystem.getAttributes(this.#file.ino))
  }

  async truncate(length = 0): Promise<void> {
    await this.#fileSystem.setAttributes(this.#file.ino, { size: length })
  }

  async chmod(mode: number): Promise<void> {
    await this.#fileSystem.setAttributes(this.#file.ino, { mode: mode & 0o7777 })
  }

  async chown(uid: number, gid: number): Promise<void> {
    await this.#fileSystem.setAttributes(this.#file.ino, { uid, gid })
  }

  async utimes(atime: Date | number, mtime: Date | number): Promise<void> {
    const times = { atime: timestampFrom(atime), mtime: timestampFrom(mtime) }
    await this.#fileSystem.setAttributes(this.#file.ino, times)
  }

  /** Pushes what is dirty and lets go. Rejects if something that was written could not be stored. */
  close(): Promise<void> {
    return this.#file.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** In pieces, so that the bound on dirty bytes holds whatever is given at once. */
  async #writeAll(position: number, bytes: Buffer): Promise<void> {
    for (let at = 0; at < bytes.length; at += mutationSizeMax) {
      await this.#file.write(position + at, bytes.subarray(at, at + mutationSizeMax))
    }
  }
}

function badRange(offset: number, length: number): LeasefsError {
  return new LeasefsError('INVALID_ARGUMENT', `no ${length} bytes at ${offset} of the buffer`)
}
