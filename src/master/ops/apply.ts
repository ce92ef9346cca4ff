// Applies one journal record to the state: the only way the state changes.

import assert from 'node:assert/strict'
import { LeasefsError } from '../../base/errors.js'
import { JournalRecord } from '../../wire/gen/state.js'
import type { State } from '../state/state.js'
import { decodeStored } from '../state/stored.js'
import { applyInodeAccessed } from './accessed.js'
import { applyChunksAllocated, applyVersionRaised, applyVersionSettled } from './chunks.js'
import { applyEntryLinked } from './link.js'
import { applyInodeMade } from './make.js'
import { applyStateMended } from './mend.js'
import { applyInodeOpened, applyInodesClosed } from './open.js'
import type { ApplyContext, Effect, Outcome } from './operation.js'
import { applyTrashPurged } from './purge.js'
import { applyEntryMoved } from './rename.js'
import { applyServerDraining } from './server-draining.js'
import { applySessionEnded, applySessionStarted } from './session.js'
import { applyAttributesChanged } from './set-attributes.js'
import { applyGoalChanged } from './set-goal.js'
import { applyLockChanged } from './set-lock.js'
import { applyXattrRemoved, applyXattrSet } from './set-xattr.js'
import { applyLostHandlesForgotten, applyMasterStarted } from './start.js'
import { applyEntryRemoved } from './unlink.js'
import { applyFileWritten } from './written.js'

/** Within a transaction. `index` is the record's in the journal, the one after the last applied. */
export function applyRecord(state: State, index: number, record: JournalRecord): Outcome {
  const { now, origin, effect } = record
  assert(now && effect)
  assert.equal(index, state.meta.current.appliedIndex + 1)
  const outcome = applyEffect(state, effect, { now, session: origin?.sessionId ?? 0 })
  if (origin) {
    state.answers.forget(origin.sessionId, origin.answeredThrough)
    state.answers.remember(origin.sessionId, {
      number: origin.number,
      failure: undefined,
      result: outcome.result,
      changed: [],
    })
  }
  state.meta.change({ appliedIndex: index })
  return outcome
}

/** @throws LeasefsError CORRUPT; NEWER_FORMAT if the record is of a kind that this program does not know */
export function decodeRecord(index: number, payload: Buffer): JournalRecord {
  const record = decodeStored(JournalRecord, payload, `journal record ${index}`)
  if (!record.now || !record.effect) {
    throw new LeasefsError('NEWER_FORMAT', `journal record ${index} is of a kind this program does not know`)
  }
  return record
}

function applyEffect(state: State, effect: Effect, context: ApplyContext): Outcome {
  switch (effect.$case) {
    case 'masterStarted':
      return applyMasterStarted(state, effect.value, context)
    case 'sessionStarted':
      return applySessionStarted(state, effect.value)
    case 'sessionEnded':
      return applySessionEnded(state, effect.value, context)
    case 'inodeMade':
      return applyInodeMade(state, effect.value, context)
    case 'entryLinked':
      return applyEntryLinked(state, effect.value, context)
    case 'entryRemoved':
      return applyEntryRemoved(state, effect.value, context)
    case 'entryMoved':
      return applyEntryMoved(state, effect.value, context)
    case 'attributesChanged':
      return applyAttributesChanged(state, effect.value, context)
    case 'fileWritten':
      return applyFileWritten(state, effect.value, context)
    case 'xattrSet':
      return applyXattrSet(state, effect.value, context)
    case 'xattrRemoved':
      return applyXattrRemoved(state, effect.value, context)
    case 'inodeOpened':
      return applyInodeOpened(state, effect.value, context)
    case 'inodesClosed':
      return applyInodesClosed(state, effect.value, context)
    case 'inodeAccessed':
      return applyInodeAccessed(state, effect.value)
    case 'lockChanged':
      return applyLockChanged(state, effect.value)
    case 'chunksAllocated':
      return applyChunksAllocated(state, effect.value)
    case 'versionRaised':
      return applyVersionRaised(state, effect.value)
    case 'versionSettled':
      return applyVersionSettled(state, effect.value)
    case 'goalChanged':
      return applyGoalChanged(state, effect.value)
    case 'serverDraining':
      return applyServerDraining(state, effect.value)
    case 'lostHandlesForgotten':
      return applyLostHandlesForgotten(state)
    case 'stateMended':
      return applyStateMended(state, effect.value)
    case 'trashPurged':
      return applyTrashPurged(state, effect.value, context)
  }
}
