// Whether the state agrees with itself: every count is the number of what it
// counts, everything that is named is there, and nothing is left that no one
// holds. It is read in the order of its tables, each row once, and beside that
// takes a few bytes for each inode; so it is right only if nothing changes
// meanwhile: of a running master one checks a snapshot.

import type { StateReader } from '../state/state-store.js'
import { checkChunks } from './check-chunks.js'
import { checkEntries } from './check-entries.js'
import { checkInodes } from './check-inodes.js'
import { checkMeta } from './check-meta.js'
import { checkReachable } from './check-reachable.js'
import { checkSessions } from './check-sessions.js'
import type { Finding } from './finding.js'
import { Seen } from './seen.js'
import { metaOf } from './tables.js'

/** One row further, or something that is wrong: between any two one may do something else. */
export type CheckStep = Finding | undefined

export function* checkState(reader: StateReader): Generator<CheckStep, void> {
  const seen = new Seen()
  yield* checkInodes(reader, seen)
  yield* checkEntries(reader, seen)
  yield* checkReachable(reader, seen)
  yield* checkChunks(reader, seen)
  yield* checkSessions(reader)
  yield* checkMeta(reader, seen)
}

/** All of it at once. */
export function findingsOf(reader: StateReader): Finding[] {
  const findings: Finding[] = []
  for (const finding of checkState(reader)) if (finding) findings.push(finding)
  return findings
}

/** About how many steps there will be. */
export function checkStepsOf(reader: StateReader): number {
  const { inodeCount = 0, chunkCount = 0 } = metaOf(reader) ?? {}
  return 2 * inodeCount + 2 * chunkCount + 1
}
