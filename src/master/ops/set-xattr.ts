// Setting and removing an extended attribute.

import { LeasefsError } from '../../base/errors.js'
import { xattrTotalLengthMax, xattrValueLengthMax } from '../../constants.js'
import type { RemoveXattr, SetXattr } from '../../wire/gen/client.js'
import type { XattrRemoved, XattrSet } from '../../wire/gen/state.js'
import type { Ino } from '../../wire/ids.js'
import type { State } from '../state/state.js'
import { checkXattrName } from './names.js'
import { type ApplyContext, change, type Decision, doneResult, type Outcome } from './operation.js'
import { checkNotInTrash } from './trash.js'

/** @throws LeasefsError NOT_FOUND, TOO_BIG, NO_SPACE (all together), ALREADY_EXISTS, NO_ATTRIBUTE, INVALID_ARGUMENT, OUT_OF_RANGE, NOT_PERMITTED (in the trash) */
export function checkSetXattr(state: State, request: SetXattr): Decision {
  const { ino, name, value, createOnly, replaceOnly } = request
  checkXattrName(name)
  if (value.length > xattrValueLengthMax) throw new LeasefsError('TOO_BIG', `an attribute of ${value.length} bytes`)
  if (createOnly && replaceOnly) throw new LeasefsError('INVALID_ARGUMENT', 'create_only and replace_only together')
  checkNotInTrash(state.inodes.get(ino))

  const there = state.xattrs.find(ino, name) !== undefined
  if (createOnly && there) throw new LeasefsError('ALREADY_EXISTS', `inode ${ino} has the attribute`)
  if (replaceOnly && !there) throw new LeasefsError('NO_ATTRIBUTE', `inode ${ino} has no such attribute`)
  const total = state.xattrs
    .list(ino)
    .filter(other => !other.name.equals(name))
    .reduce((sum, other) => sum + other.name.length + other.valueLength, name.length + value.length)
  if (total > xattrTotalLengthMax) throw new LeasefsError('NO_SPACE', `${total} bytes of attributes on inode ${ino}`)
  return change({ $case: 'xattrSet', value: { ino, name, value } })
}

export function applyXattrSet(state: State, { ino, name, value }: XattrSet, { now }: ApplyContext): Outcome {
  state.xattrs.put(ino, name, value)
  return attributeChanged(state, ino, now)
}

/** @throws LeasefsError NOT_FOUND, NO_ATTRIBUTE, INVALID_ARGUMENT, OUT_OF_RANGE, NOT_PERMITTED (in the trash) */
export function checkRemoveXattr(state: State, { ino, name }: RemoveXattr): Decision {
  checkXattrName(name)
  checkNotInTrash(state.inodes.get(ino))
  if (!state.xattrs.find(ino, name)) throw new LeasefsError('NO_ATTRIBUTE', `inode ${ino} has no such attribute`)
  return change({ $case: 'xattrRemoved', value: { ino, name } })
}

export function applyXattrRemoved(state: State, { ino, name }: XattrRemoved, { now }: ApplyContext): Outcome {
  state.xattrs.remove(ino, name)
  return attributeChanged(state, ino, now)
}

function attributeChanged(state: State, ino: number, now: ApplyContext['now']): Outcome {
  state.inodes.change(ino, { ctime: now })
  return { result: doneResult, touched: [ino as Ino], freed: [] }
}
