// The errors one part of the system may receive from another. A caller decides
// by `code` alone: codes are stable, messages are for people and may change.
//
// A broken invariant is not one of these. It is a bug: it throws the
// AssertionError of node:assert, nobody catches it, and the process ends.

import { AssertionError } from 'node:assert/strict'
import { KiB } from './units.js'

export const errorCodes = [
  // What a file system says.
  'NOT_FOUND', // no such path, inode or chunk
  'ALREADY_EXISTS',
  'NOT_A_DIRECTORY',
  'IS_A_DIRECTORY',
  'NOT_EMPTY',
  'INVALID_ARGUMENT', // wrong whatever the state of the system: never retry
  'NAME_TOO_LONG',
  'TOO_MANY_LINKS',
  'FILE_TOO_LARGE',
  'NOT_PERMITTED', // the operation is for the owner or root only
  'PERMISSION_DENIED', // the mode bits say no
  'TOO_MANY_SYMLINKS', // a path goes through more symbolic links than are followed
  'WOULD_BLOCK', // another holds a lock, and the caller did not want to wait
  'DEADLOCK', // waiting for the lock would be for ever
  'NO_LOCKS', // more locks than the master keeps
  'NO_ATTRIBUTE', // no such extended attribute
  'OUT_OF_RANGE', // the caller's buffer is too small for the value
  'TOO_BIG', // the value is beyond what we store
  'BAD_HANDLE', // the file handle is closed, or not open for this
  'NOT_SUPPORTED',
  'READ_ONLY',
  'NO_SPACE',
  // What the parts say to one another.
  'NOT_PRIMARY', // this replica holds no lease for the chunk
  'STALE_VERSION', // the caller, or this replica, has missed a version
  'DATA_UNKNOWN', // the commit names data that was never pushed here, or was dropped
  'CHANGED', // what the caller had looked at is not so any more: nothing was done
  'REPLICA_FAILED', // a replica did not take or apply the mutation
  'CORRUPT', // a checksum did not match
  'IO', // the disk said no
  'UNAVAILABLE', // nothing was done: safe to retry
  'TIMEOUT', // may or may not have been done
  'CANCELLED', // the caller went away
  'SESSION_LOST', // the master does not know the session any more
  'WRONG_CLUSTER', // the peer belongs to another cluster
  // What a daemon says when it cannot start.
  'LOCKED', // another daemon uses the data directory
  'NEWER_FORMAT', // the data directory was written by a newer version
  'ADDRESS_IN_USE',
  'NATIVE_MISSING', // a native library or helper program is not installed
  'INTERNAL', // an error no one foresaw: see its cause
] as const

export type ErrorCode = (typeof errorCodes)[number]

/** Of a message: longer ones repeat what a peer has sent, whole. A path fits. */
export const errorLengthMax = 5 * KiB

export class LeasefsError extends Error {
  override readonly name = 'LeasefsError'
  readonly code: ErrorCode

  /** The message is cut off after `errorLengthMax` characters, and is whole Unicode: it may be logged and sent. */
  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super((message.length > errorLengthMax ? `${message.slice(0, errorLengthMax)}…` : message).toWellFormed(), options)
    this.code = code
  }

  /** What was caught, as a LeasefsError: itself if it is one, else wrapped as its cause. */
  static from(reason: unknown, code: ErrorCode = 'INTERNAL'): LeasefsError {
    if (reason instanceof LeasefsError) return reason
    const message = reason instanceof Error ? reason.message : String(reason)
    return new LeasefsError(code, message, { cause: reason })
  }
}

/** The code a peer sent, or INTERNAL if it is none of ours: a newer peer may know more codes. */
export function errorCodeOf(text: string): ErrorCode {
  return (errorCodes as readonly string[]).includes(text) ? (text as ErrorCode) : 'INTERNAL'
}

/**
 * For where errors of any kind are caught at the edge of a call: a broken
 * invariant is thrown again where nothing can catch it, and ends the process.
 */
export function rethrowBug(reason: unknown): void {
  if (!(reason instanceof AssertionError)) return
  queueMicrotask(() => {
    throw reason
  })
}
