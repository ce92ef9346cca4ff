// How many replicas the chunks of a file are to have, those it has already
// included; for a directory, what new files in it start with.

import { LeasefsError } from '../../base/errors.js'
import { goalMax } from '../../constants.js'
import type { GoalChanged } from '../../wire/gen/state.js'
import type { Ino } from '../../wire/ids.js'
import type { State } from '../state/state.js'
import { answer, change, type Decision, doneResult, type Outcome } from './operation.js'

/** Chunks of a file whose record is changed between two looks at the table. */
const chunksAtOnce = 1024

/** @throws LeasefsError NOT_FOUND, INVALID_ARGUMENT */
export function checkSetGoal(state: State, ino: Ino, goal: number): Decision {
  if (!(goal >= 1 && goal <= goalMax)) throw new LeasefsError('INVALID_ARGUMENT', `a goal is from 1 to ${goalMax}`)
  if (state.inodes.get(ino).attributes.goal === goal) return answer(doneResult)
  return change({ $case: 'goalChanged', value: { ino, goal } })
}

export function applyGoalChanged(state: State, { ino, goal }: GoalChanged): Outcome {
  state.inodes.change(ino, { goal })
  for (let first = 0; ; ) {
    const page = state.chunks.page(ino, first, chunksAtOnce)
    for (const record of page) state.chunks.put({ ...record, goal })
    const last = page.at(-1)
    if (!last || page.length < chunksAtOnce) break
    first = last.index + 1
  }
  return { result: doneResult, touched: [ino as Ino], freed: [] }
}
