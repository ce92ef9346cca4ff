// The operations of clients that change the namespace: each by its check.

import type { State } from '../state/state.js'
import { checkAccessed } from './accessed.js'
import { checkLink } from './link.js'
import { checkMake } from './make.js'
import { checkClose, checkOpen } from './open.js'
import type { CheckContext, Decision } from './operation.js'
import type { Operation } from './read.js'
import { checkRename } from './rename.js'
import { checkSetAttributes } from './set-attributes.js'
import { checkSetLock } from './set-lock.js'
import { checkRemoveXattr, checkSetXattr } from './set-xattr.js'
import { checkRemoveDirectory, checkUnlink } from './unlink.js'
import { checkWritten } from './written.js'

export type Check = (state: State, context: CheckContext) => Decision

/** The check of an operation that changes the namespace; undefined for any other. */
export function checkOf(operation: Operation): Check | undefined {
  switch (operation.$case) {
    case 'setAttributes':
      return (state, context) => checkSetAttributes(state, operation.value, context)
    case 'make':
      return (state, context) => checkMake(state, operation.value, context)
    case 'link':
      return state => checkLink(state, operation.value)
    case 'unlink':
      return (state, context) => checkUnlink(state, operation.value, context)
    case 'removeDirectory':
      return state => checkRemoveDirectory(state, operation.value)
    case 'rename':
      return (state, context) => checkRename(state, operation.value, context)
    case 'setXattr':
      return state => checkSetXattr(state, operation.value)
    case 'removeXattr':
      return state => checkRemoveXattr(state, operation.value)
    case 'open':
      return (state, context) => checkOpen(state, operation.value, context)
    case 'close':
      return (state, context) => checkClose(state, operation.value, context)
    case 'written':
      return (state, context) => checkWritten(state, operation.value, context)
    case 'accessed':
      return (state, context) => checkAccessed(state, operation.value, context)
    case 'setLock':
      return (state, context) => checkSetLock(state, operation.value, context)
    default:
      return undefined
  }
}
