// Brings the state to the end of the journal after a restart: the same apply as
// when the changes were made.

import { LeasefsError } from '../base/errors.js'
import type { Journal, JournalRecord as Journaled } from './journal/journal.js'
import { applyRecord, decodeRecord } from './ops/apply.js'
import type { State } from './state/state.js'

/** Records applied in one transaction. */
const batchLengthMax = 4096

/** How many records were applied. @throws LeasefsError CORRUPT, NEWER_FORMAT, IO, NO_SPACE */
export function replay(state: State, journal: Journal): number {
  const applied = state.meta.current.appliedIndex
  if (applied > journal.lastIndex) {
    throw new LeasefsError('CORRUPT', `the journal ends at record ${journal.lastIndex}, the state is at ${applied}`)
  }
  let batch: Journaled[] = []
  for (const record of journal.read(applied + 1)) {
    batch.push(record)
    if (batch.length < batchLengthMax) continue
    applyBatch(state, batch)
    batch = []
  }
  applyBatch(state, batch)
  return state.meta.current.appliedIndex - applied
}

function applyBatch(state: State, batch: readonly Journaled[]): void {
  if (batch.length === 0) return
  state.transaction(() => {
    for (const { index, payload } of batch) applyRecord(state, index, decodeRecord(index, payload))
  })
}
