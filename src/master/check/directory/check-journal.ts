// The journal of a data directory, read through: every record is there, whole,
// and of a kind that is known. Nothing is changed.

import { existsSync } from 'node:fs'
import { LeasefsError } from '../../../base/errors.js'
import type { ClusterId } from '../../../wire/ids.js'
import { guarded } from '../../journal/disk.js'
import type { JournalRecord } from '../../journal/journal.js'
import {
  damage,
  missing,
  readSegment,
  type Segment,
  segmentRecords,
  segmentsIn,
  wasSynced,
} from '../../journal/segment.js'
import { decodeRecord } from '../../ops/apply.js'
import { about, type DirectoryStep, note, wrong } from './step.js'

/** The records that can be read, from the end backwards without a gap. */
export interface JournalRange {
  readonly firstIndex: number
  /** firstIndex - 1 if there are none. */
  readonly lastIndex: number
}

/** @throws LeasefsError IO */
export function* checkJournal(directory: string, clusterId: ClusterId): Generator<DirectoryStep, JournalRange> {
  const segments = guarded(() => (existsSync(directory) ? segmentsIn(directory) : []))
  let firstIndex = segments[0]?.firstIndex ?? 1
  let next = firstIndex
  if (segments.length === 0) yield wrong(directory, 'there is no journal')
  for (const [at, segment] of segments.entries()) {
    yield { doing: 'journal', share: at / segments.length }
    if (segment.firstIndex !== next) {
      if (segment.firstIndex > next) {
        yield wrong(directory, about(directory, missing(directory, next, segment.firstIndex - 1).message))
      } else yield wrong(segment.path, `begins with record ${segment.firstIndex}, which the segment before it has`)
      firstIndex = segment.firstIndex
    }
    next = yield* checkSegment(segment, clusterId, at === segments.length - 1)
    const following = segments[at + 1]?.firstIndex
    // What is damaged has been said with its place; what follows it is looked at on its own.
    if (following !== undefined && next < following) firstIndex = next = following
  }
  yield { doing: 'journal', share: 1 }
  return { firstIndex, lastIndex: next - 1 }
}

/** Returns the index after the last good record. */
function* checkSegment(segment: Segment, clusterId: ClusterId, last: boolean): Generator<DirectoryStep, number> {
  const { path, firstIndex } = segment
  let bytes: Buffer
  try {
    bytes = readSegment(segment, clusterId)
  } catch (reason) {
    yield ofFile(path, reason)
    return firstIndex
  }
  const records = segmentRecords(bytes, firstIndex)
  let step = records.next()
  for (; !step.done; step = records.next()) {
    const unknown = unknownKind(step.value)
    if (unknown) yield wrong(path, unknown)
  }
  const { end, nextIndex } = step.value
  if (end === bytes.length) return nextIndex
  if (last && !wasSynced(bytes, end, nextIndex)) {
    yield note(path, `the last ${bytes.length - end} bytes were torn by a crash: they are cut at the next start`)
  } else yield wrong(path, about(path, damage(segment, end, nextIndex).message))
  return nextIndex
}

function unknownKind({ index, payload }: JournalRecord): string | undefined {
  try {
    decodeRecord(index, payload)
    return undefined
  } catch (reason) {
    if (!(reason instanceof LeasefsError)) throw reason
    return reason.message
  }
}

/** What keeps a file from being read. @throws what is not about the file */
export function ofFile(path: string, reason: unknown): DirectoryStep {
  if (!(reason instanceof LeasefsError)) throw reason
  return wrong(path, about(path, reason.message))
}
