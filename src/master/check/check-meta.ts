// The counts of the whole, and the numbers that are given out next.

import { StoredServer } from '../../wire/gen/state.js'
import { keyNumber } from '../state/keys.js'
import type { StateReader } from '../state/state-store.js'
import type { CheckStep } from './check-state.js'
import type { CountName, NextName } from './finding.js'
import type { Seen } from './seen.js'
import { everything, metaOf, readable } from './tables.js'

export function* checkMeta(reader: StateReader, seen: Seen): Generator<CheckStep, void> {
  for (const { key, value } of reader.table('servers').range(everything)) {
    yield undefined
    if (!readable(StoredServer, value))
      yield { kind: 'unreadable', text: `what is stored of server ${key} cannot be read` }
  }
  const meta = metaOf(reader)
  if (!meta) {
    if (seen.inodes > 0) yield { kind: 'unreadable', text: 'the counts and next numbers cannot be read' }
    return
  }
  const counts: readonly [CountName, number][] = [
    ['inodeCount', seen.inodes],
    ['chunkCount', seen.chunks],
    ['trashCount', seen.trashed],
    ['trashBytes', seen.trashBytes],
  ]
  for (const [name, count] of counts) {
    if (meta[name] === count) continue
    const text = `${name} is ${meta[name]}, and there are ${count}`
    yield { kind: 'wrong-count', text, mend: { kind: 'add-counts', counts: { [name]: count - meta[name] } } }
  }
  let sessionMax = 0
  for (const { key } of reader.table('sessions').range(everything)) sessionMax = Math.max(sessionMax, keyNumber(key, 0))
  const used: readonly [NextName, number][] = [
    ['nextIno', seen.inoMax],
    ['nextHandle', seen.handleMax],
    ['nextSessionId', sessionMax],
  ]
  for (const [name, last] of used) {
    if (meta[name] > last) continue
    const text = `${name} is ${meta[name]}, and ${last} is in use`
    yield { kind: 'low-number', text, mend: { kind: 'raise-number', name, atLeast: last + 1 } }
  }
}
