// The journaled half of a chunk's life: made, raised to a new version, and the
// new version put to use. Asked for by the master itself (chunk-table.ts).

import { LeasefsError } from '../../base/errors.js'
import { chunkIndexMax } from '../../constants.js'
import type { ChunksAllocated, VersionRaised, VersionSettled } from '../../wire/gen/state.js'
import type { ChunkHandle, Ino, ServerId } from '../../wire/ids.js'
import { type ChunkRecord, type NewChunk, noUsage } from '../chunk-table.js'
import type { State } from '../state/state.js'
import { answer, change, type Decision, doneResult, type Outcome } from './operation.js'

const unseen: Outcome = { result: doneResult, touched: [], freed: [] }

/** @throws LeasefsError NOT_FOUND, IS_A_DIRECTORY, INVALID_ARGUMENT, FILE_TOO_LARGE */
export function checkAllocate(state: State, ino: Ino, chunks: readonly NewChunk[]): Decision {
  state.inodes.file(ino)
  const beyond = chunks.find(({ index }) => index > chunkIndexMax)
  if (beyond) throw new LeasefsError('FILE_TOO_LARGE', `no chunk ${beyond.index}: a file has ${chunkIndexMax + 1}`)
  const missing = chunks
    .filter(({ index }) => !state.chunks.at(ino, index))
    .map(({ index, replicaCount, placed = [] }) => ({ index, replicaCount, placed: [...placed] }))
  if (missing.length === 0) return answer(doneResult)
  const firstHandle = state.meta.current.nextHandle
  return change({ $case: 'chunksAllocated', value: { ino, firstHandle, chunks: missing } })
}

export function applyChunksAllocated(state: State, { ino, firstHandle, chunks }: ChunksAllocated): Outcome {
  const { goal } = state.inodes.get(ino).attributes
  for (const [at, { index, replicaCount, placed }] of chunks.entries()) {
    const handle = (firstHandle + at) as ChunkHandle
    const versions = { version: 1, settledVersion: 1 }
    state.chunks.put({ handle, ino: ino as Ino, index, ...versions, replicaCount, goal, ...noUsage, placed })
  }
  const { chunkCount } = state.meta.current
  state.meta.change({ nextHandle: firstHandle + chunks.length, chunkCount: chunkCount + chunks.length })
  return unseen
}

/** @throws LeasefsError NOT_FOUND, STALE_VERSION */
export function checkRaise(
  state: State,
  handle: ChunkHandle,
  from: number,
  replicaCount: number,
  placed: readonly ServerId[] = [],
): Decision {
  atVersion(state, handle, from)
  return change({ $case: 'versionRaised', value: { handle, version: from + 1, replicaCount, placed: [...placed] } })
}

export function applyVersionRaised(state: State, { handle, version, replicaCount, placed }: VersionRaised): Outcome {
  state.chunks.put({ ...existing(state, handle), version, replicaCount, placed })
  return unseen
}

/** @throws LeasefsError NOT_FOUND, STALE_VERSION */
export function checkSettle(state: State, handle: ChunkHandle, version: number): Decision {
  const { settledVersion } = atVersion(state, handle, version)
  if (settledVersion === version) return answer(doneResult)
  return change({ $case: 'versionSettled', value: { handle, version } })
}

export function applyVersionSettled(state: State, { handle, version }: VersionSettled): Outcome {
  state.chunks.put({ ...existing(state, handle), settledVersion: version })
  return unseen
}

function existing(state: State, handle: number): ChunkRecord {
  const record = state.chunks.find(handle)
  if (!record) throw new LeasefsError('NOT_FOUND', `no chunk ${handle}`)
  return record
}

function atVersion(state: State, handle: ChunkHandle, version: number): ChunkRecord {
  const record = existing(state, handle)
  if (record.version !== version) {
    throw new LeasefsError('STALE_VERSION', `chunk ${handle} is at version ${record.version}, not ${version}`)
  }
  return record
}
