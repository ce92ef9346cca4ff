// The beginning and the end of a client session.

import { LeasefsError } from '../../base/errors.js'
import type { SessionEnded, SessionStarted } from '../../wire/gen/state.js'
import type { ChunkHandle, Ino, SessionId } from '../../wire/ids.js'
import type { State } from '../state/state.js'
import { dropUntold, releaseInode } from './inode-life.js'
import { type ApplyContext, change, type Decision, doneResult, type Outcome } from './operation.js'

/** Opens closed, and inodes unlocked, at a time. */
const pageLength = 1024

/** The new session is the one whose id was next when the check ran. */
export function checkSessionStart(state: State, description: string): Decision {
  const sessionId = state.meta.current.nextSessionId
  return change({ $case: 'sessionStarted', value: { sessionId, description } })
}

export function applySessionStarted(state: State, { sessionId, description }: SessionStarted): Outcome {
  state.sessions.put({ id: sessionId as SessionId, description })
  state.meta.change({ nextSessionId: sessionId + 1 })
  return { result: doneResult, touched: [], freed: [] }
}

/** @throws LeasefsError SESSION_LOST */
export function checkSessionEnd(state: State, sessionId: SessionId, expired: boolean): Decision {
  if (!state.sessions.find(sessionId)) throw new LeasefsError('SESSION_LOST', `session ${sessionId} has ended`)
  return change({ $case: 'sessionEnded', value: { sessionId, expired } })
}

export function applySessionEnded(state: State, ended: SessionEnded, { now }: ApplyContext): Outcome {
  const { sessionId, expired } = ended
  const freed: ChunkHandle[] = []
  const touched: Ino[] = []
  const aside: Ino[] = []
  const unlocked = releaseLocks(state, sessionId)
  for (let after = 0; ; ) {
    const page = state.opens.ofSession(sessionId as SessionId, after, pageLength)
    for (const ino of page) {
      state.opens.remove(sessionId, ino)
      unlocked.push(ino)
      const untold = expired ? dropUntold(state, ino) : []
      const released = releaseInode(state, ino, now)
      for (const handle of released.freed) freed.push(handle)
      if (released.aside.length > 0) aside.push(ino as Ino, ...released.aside)
      for (const handle of untold) freed.push(handle)
      if (untold.length > 0) touched.push(ino)
      after = ino
    }
    if (page.length < pageLength) break
  }
  state.answers.forgetAll(sessionId)
  state.sessions.remove(sessionId)
  return { result: doneResult, touched, aside, freed, unlocked }
}

/** Gives up every lock of the session; returns the inodes. */
function releaseLocks(state: State, sessionId: number): Ino[] {
  const unlocked: Ino[] = []
  for (let after = 0; ; ) {
    const page = state.locks.ofSession(sessionId, after, pageLength)
    for (const ino of page) {
      const held = state.locks.ofInode(ino)
      const left = held.filter(({ session }) => session !== sessionId)
      state.locks.replace(ino, held, left)
      unlocked.push(ino)
      after = ino
    }
    if (page.length < pageLength) return unlocked
  }
}
