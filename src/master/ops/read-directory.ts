// One page of a directory's entries with their attributes, in byte order.

import { LeasefsError } from '../../base/errors.js'
import { nameLengthMax } from '../../constants.js'
import type { ReadDirectory } from '../../wire/gen/client.js'
import type { Ino } from '../../wire/ids.js'
import type { State } from '../state/state.js'
import type { ReadAnswer } from './read.js'

/** Entries of one page: at most some 1.5 MB, well within a message. */
export const entriesMax = 4096

/** `countMax` 0 takes as many as a page holds. @throws LeasefsError NOT_FOUND, NOT_A_DIRECTORY, NAME_TOO_LONG */
export function readDirectory(state: State, { ino, after, countMax }: ReadDirectory): ReadAnswer {
  if (after.length > nameLengthMax) throw new LeasefsError('NAME_TOO_LONG', `a name of ${after.length} bytes`)
  const { parent } = state.inodes.directory(ino)
  const count = Math.min(countMax === 0 ? entriesMax : countMax, entriesMax)

  const page = state.dentries.page(ino, after, count + 1)
  const entries = page.slice(0, count).map(entry => ({
    name: entry.name,
    attributes: state.inodes.get(entry.ino).attributes,
  }))
  return {
    result: { $case: 'directory', value: { entries, more: page.length > count, parent } },
    cached: [ino as Ino, ...entries.map(({ attributes }) => attributes.ino as Ino)],
  }
}
