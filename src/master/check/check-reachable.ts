// That every directory is below the root. One with an entry that is not below
// it is, by way of those above it, in itself.

import { rootIno, trashIno } from '../../constants.js'
import type { StateReader } from '../state/state-store.js'
import type { CheckStep } from './check-state.js'
import { isNamed, isReached, type Seen } from './seen.js'
import { inodeOf } from './tables.js'

export function* checkReachable(reader: StateReader, seen: Seen): Generator<CheckStep, void> {
  const { flags } = seen
  for (const ino of [rootIno, trashIno]) flags.set(ino, flags.get(ino) | isReached)
  for (const [ino] of flags.entries()) {
    // Who has no entry is found by that, and what is below it with it.
    const path = new Set<number>()
    let at = ino
    while (needsLook(flags.get(at)) && !path.has(at)) {
      yield undefined
      path.add(at)
      const directory = inodeOf(reader, at)
      if (!directory) break
      at = directory.parent
    }
    for (const passed of path) flags.set(passed, flags.get(passed) | isReached)
    if (!path.has(at)) continue
    const directory = inodeOf(reader, at)
    if (!directory) continue
    const { parent, name } = directory
    const text = `directory ${at} is in itself: it is not below the root`
    yield {
      kind: 'unreachable-directory',
      text,
      ino: at,
      mend: { kind: 'to-lost-and-found', ino: at, entry: { parent, name } },
    }
  }
}

function needsLook(flags: number): boolean {
  return (flags & isNamed) !== 0 && (flags & isReached) === 0
}
