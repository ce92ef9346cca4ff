// The state of a data directory, or of a snapshot, read row by row, and
// compared with what the journal makes. LMDB does not survive every damage to
// its file, so this belongs into a process of its own.

import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { LeasefsError } from '../../../base/errors.js'
import type { ClusterId } from '../../../wire/ids.js'
import { readSegment, segmentRecords, segmentsIn } from '../../journal/segment.js'
import { applyRecord, decodeRecord } from '../../ops/apply.js'
import { unpackState } from '../../snapshots/snapshot-file.js'
import { dataFile, openLmdbStore, readLmdbStore } from '../../state/lmdb-store.js'
import { State } from '../../state/state.js'
import { type StateReader, tableNames } from '../../state/state-store.js'
import { checkState, checkStepsOf } from '../check-state.js'
import { everything, metaOf } from '../tables.js'
import { about, type DirectoryStep, wrong } from './step.js'

/** Rows between two words of progress. */
const stepRows = 10_000
/** Records applied in one transaction. */
const batchLength = 4096
/** Rows that differ: beyond, they are not named. */
const differencesMax = 10

export interface StoreCheck {
  /** The file of the state. */
  readonly path: string
  /** What it is compared with, if its tables agree with one another. */
  readonly rebuild?: Rebuild
}

export interface Rebuild {
  /** The directory of the journal. */
  readonly journal: string
  readonly clusterId: ClusterId
  /** Its last record. */
  readonly lastIndex: number
  /** From where; none: from the beginning. */
  readonly snapshot?: string | undefined
}

/**
 * Whether the tables in the file agree with one another, and with what the journal makes of them.
 *
 * @throws LeasefsError IO, NO_SPACE: it could not be checked
 */
export async function* checkStore({ path, rebuild }: StoreCheck, scratch: string): AsyncGenerator<DirectoryStep, void> {
  try {
    const wrongs = yield* checkTables(path)
    if (rebuild && wrongs === 0) yield* checkRebuilt(path, rebuild, scratch)
  } catch (reason) {
    if (!(reason instanceof LeasefsError) || reason.code !== 'CORRUPT') throw reason
    yield wrong(path, about(path, reason.message))
  }
}

async function* checkTables(path: string): AsyncGenerator<DirectoryStep, number> {
  const store = readLmdbStore(path)
  try {
    const steps = checkStepsOf(store)
    let [done, wrongs] = [0, 0]
    for (const finding of checkState(store)) {
      if (finding) yield wrong(path, finding.text)
      if (finding) wrongs++
      if (++done % stepRows === 0) yield { doing: 'state', share: Math.min(1, done / steps) }
    }
    return wrongs
  } finally {
    await closeReader(store, path)
  }
}

/** Makes the state again, as far as the one there is goes, in the directory `scratch`, and compares the two. */
async function* checkRebuilt(path: string, options: Rebuild, scratch: string): AsyncGenerator<DirectoryStep, void> {
  const { snapshot, clusterId } = options
  if (snapshot) await unpackState(snapshot, join(scratch, dataFile), clusterId)
  const found = readLmdbStore(path)
  const made = openLmdbStore(scratch, '')
  try {
    const through = metaOf(found)?.appliedIndex ?? 0
    if (through > options.lastIndex) {
      yield wrong(path, `the state is at record ${through}, and the journal ends with record ${options.lastIndex}`)
      return
    }
    yield* replayed(new State(made), options, through)
    yield* compare(found, made, path)
  } finally {
    await made.close()
    await closeReader(found, path)
  }
}

function* replayed(state: State, { journal, clusterId }: Rebuild, through: number): Generator<DirectoryStep, void> {
  const from = state.meta.current.appliedIndex
  const segments = segmentsIn(journal)
  for (const [at, segment] of segments.entries()) {
    if (segment.firstIndex > through || (segments[at + 1]?.firstIndex ?? through + 1) <= from + 1) continue
    const records = segmentRecords(readSegment(segment, clusterId), segment.firstIndex)
    for (let more = true; more; ) {
      more = state.transaction(() => {
        for (let n = 0; n < batchLength; n++) {
          const step = records.next()
          if (step.done || step.value.index > through) return false
          const { index, payload } = step.value
          if (index > state.meta.current.appliedIndex) applyRecord(state, index, decodeRecord(index, payload))
        }
        return true
      })
      yield { doing: 'replay', share: (state.meta.current.appliedIndex - from) / Math.max(1, through - from) }
    }
  }
}

function* compare(found: StateReader, made: StateReader, path: string): Generator<DirectoryStep, void> {
  let [rows, differences] = [0, 0]
  for (const [at, name] of tableNames.entries()) {
    const others = made.table(name).range(everything)[Symbol.iterator]()
    const rowsOf = found.table(name).range(everything)[Symbol.iterator]()
    for (;;) {
      const [row, other] = [rowsOf.next(), others.next()]
      if (row.done && other.done) break
      if (++rows % stepRows === 0) yield { doing: 'comparison', share: at / tableNames.length }
      const same =
        !row.done && !other.done && row.value.key.equals(other.value.key) && row.value.value.equals(other.value.value)
      if (same) continue
      const key = (row.done ? other.value : row.value).key.toString('hex')
      yield wrong(path, `row ${key} of the table "${name}" is not what the journal makes of it`)
      // Out of step, the rest of the table would differ, too.
      if (++differences >= differencesMax) return
      break
    }
  }
}

/** LMDB keeps a lock beside a file that it reads. */
async function closeReader(store: { close(): Promise<void> }, path: string): Promise<void> {
  await store.close()
  await rm(`${path}-lock`, { force: true })
}
