// The border to the kernel: every error of ours as an errno. What the client
// recovers from by itself should not come out here; where it does, the caller
// gets EIO, never made-up data.

import { constants } from 'node:os'
import { type ErrorCode, LeasefsError } from '../base/errors.js'

const { errno } = constants

export const errnoOf: Record<ErrorCode, number> = {
  NOT_FOUND: errno.ENOENT,
  ALREADY_EXISTS: errno.EEXIST,
  NOT_A_DIRECTORY: errno.ENOTDIR,
  IS_A_DIRECTORY: errno.EISDIR,
  NOT_EMPTY: errno.ENOTEMPTY,
  INVALID_ARGUMENT: errno.EINVAL,
  NAME_TOO_LONG: errno.ENAMETOOLONG,
  TOO_MANY_LINKS: errno.EMLINK,
  FILE_TOO_LARGE: errno.EFBIG,
  NOT_PERMITTED: errno.EPERM,
  PERMISSION_DENIED: errno.EACCES,
  TOO_MANY_SYMLINKS: errno.ELOOP,
  WOULD_BLOCK: errno.EAGAIN,
  DEADLOCK: errno.EDEADLK,
  NO_LOCKS: errno.ENOLCK,
  NO_ATTRIBUTE: errno.ENODATA,
  OUT_OF_RANGE: errno.ERANGE,
  TOO_BIG: errno.E2BIG,
  BAD_HANDLE: errno.EBADF,
  NOT_SUPPORTED: errno.EOPNOTSUPP,
  READ_ONLY: errno.EROFS,
  NO_SPACE: errno.ENOSPC,
  NOT_PRIMARY: errno.EIO,
  STALE_VERSION: errno.EIO,
  DATA_UNKNOWN: errno.EIO,
  CHANGED: errno.EIO,
  REPLICA_FAILED: errno.EIO,
  CORRUPT: errno.EIO,
  IO: errno.EIO,
  // The client has waited as long as it may. EAGAIN or ETIMEDOUT would be
  // taken for an answer about the file by programs that know neither.
  UNAVAILABLE: errno.EIO,
  TIMEOUT: errno.EIO,
  CANCELLED: errno.EINTR,
  SESSION_LOST: errno.EIO,
  WRONG_CLUSTER: errno.EIO,
  LOCKED: errno.EBUSY,
  NEWER_FORMAT: errno.EIO,
  ADDRESS_IN_USE: errno.EIO,
  NATIVE_MISSING: errno.EIO,
  INTERNAL: errno.EIO,
}

/** What the kernel must be told and has no code of ours, because it concerns this border alone. */
export class KernelError extends Error {
  override readonly name = 'KernelError'
  readonly errno: number

  constructor(name: keyof typeof errno, message: string) {
    super(message)
    this.errno = errno[name]
  }
}

/** The errno for anything caught; EIO for what no one foresaw. */
export function errnoFrom(reason: unknown): number {
  if (reason instanceof KernelError) return reason.errno
  return errnoOf[LeasefsError.from(reason).code]
}
