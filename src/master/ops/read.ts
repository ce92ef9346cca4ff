// The operations that change nothing: answered from the state as it is, at
// once. Everything an answer is about may be cached by who asked.

import type { LeasefsError } from '../../base/errors.js'
import type { Request } from '../../wire/gen/client.js'
import type { Ino } from '../../wire/ids.js'
import type { State } from '../state/state.js'
import { getAttributes, readLink } from './get-attributes.js'
import { getXattr, listXattrs } from './get-xattr.js'
import { lookup, resolve } from './lookup.js'
import type { Result } from './operation.js'
import { readDirectory } from './read-directory.js'
import { testLock } from './set-lock.js'

export type Operation = NonNullable<Request['operation']>

/** An answer, or a failure that may itself be cached ("no such name"). */
export type ReadAnswer = { readonly cached: readonly Ino[] } & (
  | { readonly result: Result; readonly failure?: undefined }
  | { readonly result?: undefined; readonly failure: LeasefsError }
)

/** The answer of an operation that only reads the namespace, for who asks; undefined for any other. @throws LeasefsError */
export function readOperation(state: State, operation: Operation, session: number): ReadAnswer | undefined {
  switch (operation.$case) {
    case 'lookup':
      return lookup(state, operation.value)
    case 'resolve':
      return resolve(state, operation.value)
    case 'getAttributes':
      return getAttributes(state, operation.value, session)
    case 'readDirectory':
      return readDirectory(state, operation.value)
    case 'readLink':
      return readLink(state, operation.value)
    case 'getXattr':
      return getXattr(state, operation.value)
    case 'listXattrs':
      return listXattrs(state, operation.value)
    case 'testLock':
      return testLock(state, operation.value, session)
    default:
      return undefined
  }
}
