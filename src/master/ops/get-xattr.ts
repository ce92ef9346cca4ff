// Reading extended attributes.

import { LeasefsError } from '../../base/errors.js'
import type { GetXattr, ListXattrs } from '../../wire/gen/client.js'
import type { Ino } from '../../wire/ids.js'
import type { State } from '../state/state.js'
import { checkXattrName } from './names.js'
import type { ReadAnswer } from './read.js'

/** That an attribute is not there may be cached too. @throws LeasefsError NOT_FOUND, INVALID_ARGUMENT, OUT_OF_RANGE */
export function getXattr(state: State, { ino, name }: GetXattr): ReadAnswer {
  checkXattrName(name)
  state.inodes.get(ino)
  const value = state.xattrs.find(ino, name)
  const cached = [ino as Ino]
  if (value) return { result: { $case: 'value', value }, cached }
  return { failure: new LeasefsError('NO_ATTRIBUTE', `inode ${ino} has no such attribute`), cached }
}

/** @throws LeasefsError NOT_FOUND */
export function listXattrs(state: State, { ino }: ListXattrs): ReadAnswer {
  state.inodes.get(ino)
  const names = state.xattrs.list(ino).map(({ name }) => name)
  return { result: { $case: 'names', value: { names } }, cached: [ino as Ino] }
}
