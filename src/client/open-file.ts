// One open of a file: the rights it was opened with, where its reader is, and
// whether its writes append or are synchronous. All else is shared by the inode.

import { LeasefsError } from '../base/errors.js'
import { fileSizeMax } from '../constants.js'
import type { Ino } from '../wire/ids.js'
import type { Caused, OpenFile, OpenOptions } from './file-system.js'
import type { OpenInode } from './open-inode.js'
import { newReader, type Reader } from './read-ahead.js'
import type { WriteBehind } from './write-behind.js'

export class InodeHandle implements OpenFile {
  readonly #inode: OpenInode
  readonly #options: OpenOptions
  readonly #behind: WriteBehind
  readonly #release: () => void
  #reader: Reader = newReader
  #closing: Promise<void> | undefined

  constructor(inode: OpenInode, options: OpenOptions, behind: WriteBehind, release: () => void) {
    this.#inode = inode
    this.#options = options
    this.#behind = behind
    this.#release = release
  }

  get ino(): Ino {
    return this.#inode.ino
  }

  async read(offset: number, length: number): Promise<readonly Buffer[]> {
    this.#check(this.#options.read)
    checkNumbers(offset, length)
    const { reader, pieces } = await this.#inode.read(this.#reader, offset, length)
    this.#reader = reader
    return pieces
  }

  async write(offset: number, data: Buffer, { cause }: Caused = {}): Promise<void> {
    this.#check(this.#options.write)
    const { append = false, sync = false } = this.#options
    if (!append) checkRange(offset, data.length)
    const { writes } = this.#inode
    writes.throwError()
    await this.#behind.room()
    if (append) await this.#inode.append(data, end => checkRange(end, data.length), cause)
    else await this.#inode.write(offset, data)
    if (sync) await writes.sync()
  }

  async flush(): Promise<void> {
    this.#check(true)
    if (this.#options.write) await this.#inode.writes.flush()
  }

  async sync(): Promise<void> {
    this.#check(true)
    await this.#inode.writes.sync()
  }

  async zero(offset: number, length: number): Promise<void> {
    this.#check(this.#options.write)
    checkRange(offset, length)
    await this.#inode.zero({ start: offset, end: offset + length })
  }

  async allocate(offset: number, length: number): Promise<void> {
    this.#check(this.#options.write)
    checkRange(offset, length)
    await this.#inode.allocate({ start: offset, end: offset + length })
  }

  async seek(offset: number, what: 'data' | 'hole'): Promise<number | undefined> {
    this.#check(true)
    return this.#inode.seek(offset, what)
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    try {
      if (this.#options.write) await this.#inode.writes.flush()
    } finally {
      this.#release()
    }
  }

  #check(allowed: boolean): void {
    if (this.#closing || !allowed) {
      const why = this.#closing ? 'closed' : 'not open for this'
      throw new LeasefsError('BAD_HANDLE', `the handle of inode ${this.ino} is ${why}`)
    }
    this.#inode.check()
  }
}

/** Of what changes the file. @throws LeasefsError FILE_TOO_LARGE, INVALID_ARGUMENT */
function checkRange(offset: number, length: number): void {
  if (offset + length > fileSizeMax) {
    throw new LeasefsError('FILE_TOO_LARGE', `${length} bytes at ${offset} end beyond the largest file`)
  }
  checkNumbers(offset, length)
}

/** @throws LeasefsError INVALID_ARGUMENT */
function checkNumbers(offset: number, length: number): void {
  if (!(Number.isSafeInteger(offset) && Number.isSafeInteger(length) && offset >= 0 && length >= 0)) {
    throw new LeasefsError('INVALID_ARGUMENT', `bad range: ${length} bytes at ${offset}`)
  }
}
