// What a client does about an error of a commit or of a read, other than give
// it to the application. A new code does not compile until it is decided here.

import type { ErrorCode } from '../base/errors.js'

export type CommitRecovery =
  | 'fail' // the answer would be the same
  | 'push-again' // the data is not where it should be
  | 'relocate' // drop what we cached about the chunk and ask the master

export const commitRecoveryFrom: Record<ErrorCode, CommitRecovery> = {
  NOT_FOUND: 'relocate', // The server has no such replica (any more).
  ALREADY_EXISTS: 'fail',
  NOT_A_DIRECTORY: 'fail',
  IS_A_DIRECTORY: 'fail',
  NOT_EMPTY: 'fail',
  INVALID_ARGUMENT: 'fail',
  NAME_TOO_LONG: 'fail',
  TOO_MANY_LINKS: 'fail',
  FILE_TOO_LARGE: 'fail',
  NOT_PERMITTED: 'fail',
  PERMISSION_DENIED: 'fail',
  TOO_MANY_SYMLINKS: 'fail',
  WOULD_BLOCK: 'fail',
  DEADLOCK: 'fail',
  NO_LOCKS: 'fail',
  NO_ATTRIBUTE: 'fail',
  OUT_OF_RANGE: 'fail',
  TOO_BIG: 'fail',
  BAD_HANDLE: 'fail',
  NOT_SUPPORTED: 'fail',
  READ_ONLY: 'fail',
  NO_SPACE: 'fail',
  NOT_PRIMARY: 'relocate',
  STALE_VERSION: 'relocate',
  DATA_UNKNOWN: 'push-again',
  CHANGED: 'fail',
  REPLICA_FAILED: 'relocate',
  CORRUPT: 'relocate',
  IO: 'relocate', // The primary's disk: the master may choose another.
  UNAVAILABLE: 'relocate',
  TIMEOUT: 'relocate',
  CANCELLED: 'relocate',
  SESSION_LOST: 'relocate',
  WRONG_CLUSTER: 'fail',
  LOCKED: 'fail',
  NEWER_FORMAT: 'fail',
  ADDRESS_IN_USE: 'fail',
  NATIVE_MISSING: 'fail',
  INTERNAL: 'fail',
}

export type ReadRecovery =
  | 'fail'
  | 'next-replica' // this replica is bad, the chunk is not
  | 'relocate'

export const readRecoveryFrom: Record<ErrorCode, ReadRecovery> = {
  NOT_FOUND: 'relocate',
  ALREADY_EXISTS: 'fail',
  NOT_A_DIRECTORY: 'fail',
  IS_A_DIRECTORY: 'fail',
  NOT_EMPTY: 'fail',
  INVALID_ARGUMENT: 'fail',
  NAME_TOO_LONG: 'fail',
  TOO_MANY_LINKS: 'fail',
  FILE_TOO_LARGE: 'fail',
  NOT_PERMITTED: 'fail',
  PERMISSION_DENIED: 'fail',
  TOO_MANY_SYMLINKS: 'fail',
  WOULD_BLOCK: 'fail',
  DEADLOCK: 'fail',
  NO_LOCKS: 'fail',
  NO_ATTRIBUTE: 'fail',
  OUT_OF_RANGE: 'fail',
  TOO_BIG: 'fail',
  BAD_HANDLE: 'fail',
  NOT_SUPPORTED: 'fail',
  READ_ONLY: 'fail',
  NO_SPACE: 'next-replica',
  NOT_PRIMARY: 'relocate',
  STALE_VERSION: 'relocate',
  DATA_UNKNOWN: 'next-replica',
  CHANGED: 'next-replica',
  REPLICA_FAILED: 'next-replica',
  CORRUPT: 'next-replica',
  IO: 'next-replica',
  UNAVAILABLE: 'next-replica',
  TIMEOUT: 'next-replica',
  CANCELLED: 'next-replica',
  SESSION_LOST: 'next-replica',
  WRONG_CLUSTER: 'next-replica',
  LOCKED: 'next-replica',
  NEWER_FORMAT: 'next-replica',
  ADDRESS_IN_USE: 'fail',
  NATIVE_MISSING: 'fail',
  INTERNAL: 'next-replica',
}

/** Codes the master wants to hear about (ReportReplica): the replica or its server is not well. */
export function worthReporting(code: ErrorCode): boolean {
  return code === 'CORRUPT' || code === 'IO' || code === 'STALE_VERSION' || code === 'UNAVAILABLE'
}
