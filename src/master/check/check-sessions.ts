// What sessions have: files open, locks, answers that they may ask for again.

import { StoredAnswer, StoredLocks, StoredSession } from '../../wire/gen/state.js'
import { type HeldLock, lockInTheWay } from '../locks/lock-list.js'
import { keyNumber, numberKey, pairKey } from '../state/keys.js'
import type { StateReader, TableName } from '../state/state-store.js'
import type { CheckStep } from './check-state.js'
import { everything, readable } from './tables.js'

export function* checkSessions(reader: StateReader): Generator<CheckStep, void> {
  for (const { key, value } of reader.table('sessions').range(everything)) {
    yield undefined
    if (!readable(StoredSession, value)) yield unreadable(`session ${keyNumber(key, 0)}`)
  }
  for (const table of ['sessionOpens', 'sessionLocks', 'answers'] as const) yield* ofNoSession(reader, table)
  for (const { key, value } of reader.table('answers').range(everything)) {
    yield undefined
    if (!readable(StoredAnswer, value)) yield unreadable(`answer ${keyNumber(key, 8)} of session ${keyNumber(key, 0)}`)
  }
  yield* checkOpens(reader)
  yield* checkLocks(reader)
}

function* ofNoSession(reader: StateReader, table: TableName): Generator<CheckStep, void> {
  for (const { key } of reader.table(table).range(everything)) {
    yield undefined
    const session = keyNumber(key, 0)
    if (isSession(reader, session)) continue
    const text = `${table} of session ${session}, which has ended`
    yield { kind: 'orphan-row', text, mend: { kind: 'remove-row', table, key } }
  }
}

function* checkOpens(reader: StateReader): Generator<CheckStep, void> {
  const [opens, sessionOpens] = [reader.table('opens'), reader.table('sessionOpens')]
  for (const { key } of opens.range(everything)) {
    yield undefined
    const [ino, session] = [keyNumber(key, 0), keyNumber(key, 8)]
    if (!isSession(reader, session)) {
      const text = `inode ${ino} is open for session ${session}, which has ended`
      yield { kind: 'orphan-row', text, ino, mend: { kind: 'remove-row', table: 'opens', key } }
    } else if (!sessionOpens.get(pairKey(session, ino))) yield oneSided(ino, session, 'session')
  }
  for (const { key } of sessionOpens.range(everything)) {
    yield undefined
    const [session, ino] = [keyNumber(key, 0), keyNumber(key, 8)]
    if (!isSession(reader, session) || opens.get(pairKey(ino, session))) continue
    if (reader.table('inodes').get(numberKey(ino))) yield oneSided(ino, session, 'inode')
    else {
      const text = `session ${session} has inode ${ino} open, which is gone`
      yield { kind: 'orphan-row', text, ino, mend: { kind: 'remove-row', table: 'sessionOpens', key } }
    }
  }
}

function oneSided(ino: number, session: number, missing: string): CheckStep {
  const text = `inode ${ino} is open for session ${session}, and not listed by ${missing}`
  return { kind: 'one-sided-open', text, ino, mend: { kind: 'add-open', ino, session } }
}

function* checkLocks(reader: StateReader): Generator<CheckStep, void> {
  for (const { key, value } of reader.table('locks').range(everything)) {
    yield undefined
    const ino = keyNumber(key, 0)
    const held = heldOf(value)
    if (!held) {
      yield unreadable(`locks of inode ${ino}`, ino)
      continue
    }
    if (held.some(({ session, lock }) => lockInTheWay(held, session, lock))) {
      yield { kind: 'wrong-locks', text: `locks of inode ${ino} exclude one another`, ino }
    }
    for (const session of new Set(held.map(each => each.session))) {
      const count = held.filter(each => each.session === session).length
      const counted = reader.table('sessionLocks').get(pairKey(session, ino))
      if (!counted || keyNumber(counted, 0) !== count) yield wrongCount(session, ino, count)
    }
  }
  for (const { key } of reader.table('sessionLocks').range(everything)) {
    yield undefined
    const [session, ino] = [keyNumber(key, 0), keyNumber(key, 8)]
    const value = reader.table('locks').get(numberKey(ino))
    const held = value ? heldOf(value) : []
    if (isSession(reader, session) && held && !held.some(each => each.session === session))
      yield wrongCount(session, ino, 0)
  }
}

function wrongCount(session: number, ino: number, count: number): CheckStep {
  const text = `session ${session} has ${count} locks of inode ${ino}, and they are counted wrongly`
  return { kind: 'wrong-lock-count', text, ino, mend: { kind: 'count-locks', session, ino } }
}

/** Undefined if they can't be read. */
function heldOf(value: Buffer): HeldLock[] | undefined {
  return readable(StoredLocks, value)?.locks.flatMap(({ sessionId, lock }) =>
    lock ? [{ session: sessionId, lock }] : [],
  )
}

function isSession(reader: StateReader, session: number): boolean {
  return reader.table('sessions').get(numberKey(session)) !== undefined
}

function unreadable(what: string, ino?: number): CheckStep {
  return { kind: 'unreadable', text: `${what} cannot be read`, ...(ino !== undefined && { ino }) }
}
