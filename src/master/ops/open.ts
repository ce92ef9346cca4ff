// Opening and closing: which inodes outlive their last link, and for whom.

import type { Close, Open } from '../../wire/gen/client.js'
import type { InodeClosed, InodeOpened } from '../../wire/gen/state.js'
import type { Ino } from '../../wire/ids.js'
import type { State } from '../state/state.js'
import { releaseInode } from './inode-life.js'
import {
  type ApplyContext,
  answer,
  attributesResult,
  type CheckContext,
  change,
  type Decision,
  doneResult,
  type Outcome,
} from './operation.js'

/** An unlinked inode may be opened while another session still has it open. @throws LeasefsError NOT_FOUND */
export function checkOpen(state: State, { ino }: Open, { session }: CheckContext): Decision {
  const result = attributesResult(state, ino)
  return state.opens.has(session, ino) ? answer(result) : change({ $case: 'inodeOpened', value: { ino } })
}

export function applyInodeOpened(state: State, { ino }: InodeOpened, { session }: ApplyContext): Outcome {
  state.opens.add(session, ino)
  return { result: attributesResult(state, ino), touched: [], freed: [] }
}

/** Closing what is not open changes nothing. */
export function checkClose(state: State, { ino }: Close, { session }: CheckContext): Decision {
  return state.opens.has(session, ino) ? change({ $case: 'inodeClosed', value: { ino } }) : answer(doneResult)
}

export function applyInodeClosed(state: State, { ino }: InodeClosed, { session }: ApplyContext): Outcome {
  state.opens.remove(session, ino)
  const freed = releaseInode(state, ino)
  // Who waits for a lock of an inode that is gone learns so.
  return { result: doneResult, touched: [], freed, unlocked: [ino as Ino] }
}
