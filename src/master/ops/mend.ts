// What `leasefs fsck --repair` puts right in the state. What is journaled is
// rows of its tables (docs/FORMAT.md has those): a state that was damaged in
// ways no operation can have caused has no better words for it.

import { LeasefsError } from '../../base/errors.js'
import type { Time } from '../../wire/gen/common.js'
import type { StateMended } from '../../wire/gen/state.js'
import type { Ino } from '../../wire/ids.js'
import type { Mend, Row } from '../check/finding.js'
import { rowsOf } from '../check/mend.js'
import { keyNumber } from '../state/keys.js'
import type { State } from '../state/state.js'
import { type TableName, tableNames } from '../state/state-store.js'
import { answer, type CheckContext, change, type Decision, doneResult, type Outcome } from './operation.js'

export function checkMend(state: State, mend: Mend, { now }: Pick<CheckContext, 'now'>): Decision {
  const rows = readableRows(state, mend, now).map(({ table, key, value }) => ({ table, key, value }))
  return rows.length > 0 ? change({ $case: 'stateMended', value: { rows } }) : answer(doneResult)
}

export function applyStateMended(state: State, { rows }: StateMended): Outcome {
  const touched = new Set<Ino>()
  for (const { table, key, value } of rows) {
    if (!isTable(table)) continue
    state.replaceRow(table, key, value)
    if (table === 'inodes' || table === 'dentries') touched.add(keyNumber(key, 0) as Ino)
  }
  return { result: doneResult, touched: [...touched], freed: [] }
}

/** None where the mend would need what cannot be read. */
function readableRows(state: State, mend: Mend, now: Time): Row[] {
  try {
    return rowsOf(state, mend, now)
  } catch (reason) {
    if (!(reason instanceof LeasefsError)) throw reason
    return []
  }
}

function isTable(name: string): name is TableName {
  return (tableNames as readonly string[]).includes(name)
}
