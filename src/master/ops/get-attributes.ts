// What stat shows, and where a symlink points.

import { LeasefsError } from '../../base/errors.js'
import type { GetAttributes, ReadLink } from '../../wire/gen/client.js'
import { FileType } from '../../wire/gen/common.js'
import type { Ino } from '../../wire/ids.js'
import type { State } from '../state/state.js'
import { attributesResult } from './operation.js'
import type { ReadAnswer } from './read.js'

/** @throws LeasefsError NOT_FOUND */
export function getAttributes(state: State, { ino, opens }: GetAttributes, session: number): ReadAnswer {
  const cached = [ino as Ino]
  if (!opens) return { result: attributesResult(state, ino), cached }
  const { attributes } = state.inodes.get(ino)
  const openElsewhere = state.opens.isOpenElsewhere(ino, session)
  return { result: { $case: 'attributes', value: { ...attributes, openElsewhere } }, cached }
}

/** @throws LeasefsError NOT_FOUND, INVALID_ARGUMENT (not a symlink) */
export function readLink(state: State, { ino }: ReadLink): ReadAnswer {
  const { attributes, symlinkTarget } = state.inodes.get(ino)
  if (attributes.type !== FileType.SYMLINK) throw new LeasefsError('INVALID_ARGUMENT', `inode ${ino} is not a symlink`)
  return { result: { $case: 'value', value: symlinkTarget }, cached: [ino as Ino] }
}
