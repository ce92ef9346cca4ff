// Opening and closing: which inodes outlive their last link, and for whom.

import { LeasefsError } from '../../base/errors.js'
import { closesAtOnceMax } from '../../constants.js'
import type { Close, Open } from '../../wire/gen/client.js'
import { LockKind } from '../../wire/gen/common.js'
import type { InodeOpened, InodesClosed } from '../../wire/gen/state.js'
import type { ChunkHandle, Ino } from '../../wire/ids.js'
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

/** Closing what is not open changes nothing. @throws LeasefsError INVALID_ARGUMENT: too many at once */
export function checkClose(state: State, { inos }: Close, { session }: CheckContext): Decision {
  if (inos.length > closesAtOnceMax) throw new LeasefsError('INVALID_ARGUMENT', `${inos.length} inodes closed at once`)
  const open = inos.filter(ino => state.opens.has(session, ino))
  return open.length > 0 ? change({ $case: 'inodesClosed', value: { inos: open } }) : answer(doneResult)
}

export function applyInodesClosed(state: State, { inos }: InodesClosed, { session, now }: ApplyContext): Outcome {
  const freed: ChunkHandle[] = []
  const aside: Ino[] = []
  for (const ino of inos) {
    state.opens.remove(session, ino)
    endTurn(state, session, ino)
    const released = releaseInode(state, ino, now)
    for (const handle of released.freed) freed.push(handle) // Too many for the arguments of one call.
    if (released.aside.length > 0) aside.push(ino as Ino, ...released.aside)
  }
  // Who waits for a lock of an inode that is gone learns so; and it may be the turn of another to append.
  return { result: doneResult, touched: [], aside, freed, unlocked: inos as Ino[] }
}

/** Who does not have the file open does not append to it. */
function endTurn(state: State, session: number, ino: number): void {
  const held = state.locks.ofInode(ino)
  const rest = held.filter(({ lock, session: holder }) => lock.kind !== LockKind.APPEND || holder !== session)
  if (rest.length < held.length) state.locks.replace(ino, held, rest)
}
