// Errors as gRPC carries them (docs/PROTOCOL.md, "Errors on the control plane").
//
// The code itself travels in metadata; the gRPC status is for tools and for
// peers that know no better. A unary call fails with a status that is not OK. A
// stream always ends with OK: any other status overtakes messages that
// were sent before it.

import { Metadata, type StatusObject, status } from '@grpc/grpc-js'
import { type ErrorCode, errorCodeOf, LeasefsError } from '../base/errors.js'
import { errorMessageLengthMax } from './limits.js'

const codeKey = 'leasefs-code'
const messageKey = 'leasefs-message-bin'

export const statusOf: Record<ErrorCode, status> = {
  NOT_FOUND: status.NOT_FOUND,
  ALREADY_EXISTS: status.ALREADY_EXISTS,
  NOT_A_DIRECTORY: status.FAILED_PRECONDITION,
  IS_A_DIRECTORY: status.FAILED_PRECONDITION,
  NOT_EMPTY: status.FAILED_PRECONDITION,
  INVALID_ARGUMENT: status.INVALID_ARGUMENT,
  NAME_TOO_LONG: status.INVALID_ARGUMENT,
  TOO_MANY_LINKS: status.RESOURCE_EXHAUSTED,
  FILE_TOO_LARGE: status.OUT_OF_RANGE,
  NOT_PERMITTED: status.PERMISSION_DENIED,
  PERMISSION_DENIED: status.PERMISSION_DENIED,
  TOO_MANY_SYMLINKS: status.FAILED_PRECONDITION,
  WOULD_BLOCK: status.ABORTED,
  DEADLOCK: status.ABORTED,
  NO_LOCKS: status.RESOURCE_EXHAUSTED,
  NO_ATTRIBUTE: status.NOT_FOUND,
  OUT_OF_RANGE: status.OUT_OF_RANGE,
  TOO_BIG: status.RESOURCE_EXHAUSTED,
  BAD_HANDLE: status.FAILED_PRECONDITION,
  NOT_SUPPORTED: status.UNIMPLEMENTED,
  READ_ONLY: status.FAILED_PRECONDITION,
  NO_SPACE: status.RESOURCE_EXHAUSTED,
  NOT_PRIMARY: status.FAILED_PRECONDITION,
  STALE_VERSION: status.FAILED_PRECONDITION,
  DATA_UNKNOWN: status.FAILED_PRECONDITION,
  CHANGED: status.ABORTED,
  REPLICA_FAILED: status.ABORTED,
  CORRUPT: status.DATA_LOSS,
  IO: status.INTERNAL,
  UNAVAILABLE: status.UNAVAILABLE,
  TIMEOUT: status.DEADLINE_EXCEEDED,
  CANCELLED: status.CANCELLED,
  SESSION_LOST: status.UNAUTHENTICATED,
  WRONG_CLUSTER: status.FAILED_PRECONDITION,
  LOCKED: status.FAILED_PRECONDITION,
  NEWER_FORMAT: status.FAILED_PRECONDITION,
  ADDRESS_IN_USE: status.FAILED_PRECONDITION,
  NATIVE_MISSING: status.FAILED_PRECONDITION,
  INTERNAL: status.INTERNAL,
}

/** What a status says that carries no code of ours: gRPC itself made it, or another implementation. */
const codeOfStatus: Partial<Record<status, ErrorCode>> = {
  [status.OK]: 'CANCELLED',
  [status.INVALID_ARGUMENT]: 'INVALID_ARGUMENT',
  [status.DEADLINE_EXCEEDED]: 'TIMEOUT',
  [status.NOT_FOUND]: 'NOT_FOUND',
  [status.ALREADY_EXISTS]: 'ALREADY_EXISTS',
  [status.PERMISSION_DENIED]: 'PERMISSION_DENIED',
  [status.RESOURCE_EXHAUSTED]: 'TOO_BIG',
  [status.OUT_OF_RANGE]: 'OUT_OF_RANGE',
  [status.UNIMPLEMENTED]: 'NOT_SUPPORTED',
  [status.DATA_LOSS]: 'CORRUPT',
}

/** The metadata that carries `error`. */
export function errorMetadata(error: LeasefsError): Metadata {
  const metadata = new Metadata()
  metadata.set(codeKey, error.code)
  metadata.set(messageKey, Buffer.from(error.message.slice(0, errorMessageLengthMax)))
  return metadata
}

/**
 * The error a status stands for. OK without a code is the clean end of a
 * stream: CANCELLED. `lost` is what it means that the connection went.
 */
export function errorOfStatus(
  { code, details, metadata }: Pick<StatusObject, 'code' | 'details' | 'metadata'>,
  peer: string,
  lost: ErrorCode = 'UNAVAILABLE',
): LeasefsError {
  const [text] = metadata.get(codeKey)
  const [message] = metadata.get(messageKey)
  if (typeof text === 'string') return new LeasefsError(errorCodeOf(text), message?.toString() || text)
  if (code === status.OK) return new LeasefsError('CANCELLED', `${peer} ended the stream`)
  // gRPC says CANCELLED for some of the ways in which a connection ends.
  const gone = code === status.UNAVAILABLE || code === status.CANCELLED
  return new LeasefsError(gone ? lost : (codeOfStatus[code] ?? 'INTERNAL'), `${peer}: ${details || status[code]}`)
}
