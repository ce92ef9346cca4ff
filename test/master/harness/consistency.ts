// What must hold between the tables whatever was done, as the master itself checks it.

import { findingsOf } from '../../../src/master/check/check-state.js'
import type { StateReader } from '../../../src/master/state/state-store.js'

/** What is wrong, in words; nothing if all is well. */
export function inconsistencies(reader: StateReader): string[] {
  return findingsOf(reader).map(({ kind, text }) => `${kind}: ${text}`)
}
