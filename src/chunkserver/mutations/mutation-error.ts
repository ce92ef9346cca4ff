// Why a commit or an apply was not done, with what the answer on the wire has
// beside the code.

import { LeasefsError, rethrowBug } from '../../base/errors.js'
import type { Failure } from '../../wire/gen/common.js'
import { type DataId, dataIdText } from '../../wire/ids.js'

/** Data that never came. */
export class DataUnknownError extends LeasefsError {
  readonly missing: readonly DataId[]

  constructor(missing: readonly DataId[]) {
    super('DATA_UNKNOWN', `no data ${missing.map(dataIdText).join(', ')} here`)
    this.missing = missing
  }
}

/** What was caught, as an answer can have it. A broken invariant of ours is none: it ends the process. */
export function failureOf(reason: unknown): LeasefsError {
  rethrowBug(reason)
  return LeasefsError.from(reason)
}

/** As the answers have it. */
export function failureFields(error: LeasefsError | undefined): { failure: Failure | undefined; missing: DataId[] } {
  const missing = error instanceof DataUnknownError ? [...error.missing] : []
  return { failure: error && { code: error.code, message: error.message }, missing }
}
