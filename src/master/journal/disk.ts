// The journal's system calls, apart so that a test can have them fail, and
// what their errors are called.

import { AssertionError } from 'node:assert/strict'
import fs from 'node:fs'
import { LeasefsError } from '../../base/errors.js'

/** What the journal asks of its file while it runs. */
export interface JournalDisk {
  write(file: number, bytes: Buffer, position: number): number
  truncate(file: number, length: number): void
  sync(file: number): Promise<void>
}

export const systemDisk: JournalDisk = {
  write: (file, bytes, position) => fs.writeSync(file, bytes, 0, bytes.length, position),
  truncate: (file, length) => fs.ftruncateSync(file, length),
  sync: file => new Promise((resolve, reject) => fs.fdatasync(file, error => (error ? reject(error) : resolve()))),
}

/** Makes the names in a directory durable. */
export function syncDirectory(directory: string): void {
  const file = fs.openSync(directory, 'r')
  try {
    fs.fsyncSync(file)
  } finally {
    fs.closeSync(file)
  }
}

/** Runs `run`; what the system calls in it throw comes out as NO_SPACE or IO. */
export function guarded<T>(run: () => T): T {
  try {
    return run()
  } catch (reason) {
    throw diskError(reason)
  }
}

export function diskError(reason: unknown): LeasefsError {
  if (reason instanceof AssertionError) throw reason
  const full = reason instanceof Error && 'code' in reason && (reason.code === 'ENOSPC' || reason.code === 'EDQUOT')
  return LeasefsError.from(reason, full ? 'NO_SPACE' : 'IO')
}
