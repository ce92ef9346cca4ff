// A file that was open in an earlier process and can't be opened again: its
// inode is gone, with the session that had it open.

import { LeasefsError } from '../../base/errors.js'
import type { Ino, OpenFile } from '../../client/file-system.js'

/** Every use of it is IO, but for closing: nothing that was written through it is lost unsaid, since that fails as well. */
export class LostFile implements OpenFile {
  readonly ino: Ino

  constructor(ino: Ino) {
    this.ino = ino
  }

  async read(): Promise<never> {
    throw this.reason
  }

  async write(): Promise<never> {
    throw this.reason
  }

  async flush(): Promise<never> {
    throw this.reason
  }

  async sync(): Promise<never> {
    throw this.reason
  }

  async zero(): Promise<never> {
    throw this.reason
  }

  async allocate(): Promise<never> {
    throw this.reason
  }

  async seek(): Promise<never> {
    throw this.reason
  }

  async close(): Promise<void> {}

  get reason(): LeasefsError {
    return new LeasefsError('IO', `inode ${this.ino} was lost with the process that had it open`)
  }
}
