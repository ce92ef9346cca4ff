// The journaled half of what the master knows of chunks: which there are, of
// which file, at which version. Where their replicas are, and who holds a
// lease, is not journaled: see replicas.ts and leases.ts.

import type { MasterHistory } from '../wire/history.js'
import type { ChunkHandle, Ino, ServerId } from '../wire/ids.js'

export interface ChunkRecord {
  readonly handle: ChunkHandle
  readonly ino: Ino
  /** Position in the file: bytes [index × chunkSize, (index + 1) × chunkSize). */
  readonly index: number
  /** Raised whenever the set of replicas that may apply mutations changes. */
  readonly version: number
  /**
   * The last version that mutations were ordered under: 1 for a new chunk, then
   * what settle() said. Replicas from this version on hold everything that was
   * acknowledged; a raise that a crash cut short leaves `version` ahead of it.
   */
  readonly settledVersion: number
  /** How many replicas that set has: when as many have reported, none is missing. */
  readonly replicaCount: number
  /** How many the file wants. */
  readonly goal: number
  /** How much of it is stored, as last reported, and the mutation after which it was counted (ops/chunk-usage.ts). */
  readonly allocatedBytes: number
  readonly usageLeaseId: number
  readonly usageSerial: number
  /**
   * The servers that were told to make it, for as long as nothing has been reported of what is stored of it and its
   * set has not changed. Nothing acknowledged is in such a chunk: if none of them has it, it may be made again.
   */
  readonly placed: string[]
}

/** Of a chunk on which nothing has been reported. */
export const noUsage = { allocatedBytes: 0, usageLeaseId: 0, usageSerial: 0, placed: [] as string[] } as const

export interface NewChunk {
  readonly index: number
  readonly replicaCount: number
  readonly placed?: readonly ServerId[]
}

/** Changes are journaled before they resolve. Reads see every change that has resolved. */
export interface ChunkTable {
  /** Restarts of the master, counted in the journal: lease ids of a later one are higher. */
  readonly masterEpoch: number

  /** How far its records go. */
  readonly history: MasterHistory

  /** Whether there may have been such a chunk, of which the records are lost. */
  mayBeLost(handle: ChunkHandle): boolean

  chunk(handle: ChunkHandle): ChunkRecord | undefined

  /** The chunks of a file with first ≤ index < first + count, in order; holes are left out. */
  chunksOf(ino: Ino, first: number, count: number): readonly ChunkRecord[]

  /** Replicas wanted for the file's chunks. @throws LeasefsError NOT_FOUND, IS_A_DIRECTORY, INVALID_ARGUMENT (not a regular file) */
  goalOf(ino: Ino): number

  /** Every chunk, in the order of handles, for status and background duties. */
  all(): Iterable<ChunkRecord>

  /**
   * Makes chunks that the file does not have yet, at version 1. One that has appeared meanwhile is returned as it is.
   *
   * @throws LeasefsError NOT_FOUND, FILE_TOO_LARGE
   */
  allocate(ino: Ino, chunks: readonly NewChunk[]): Promise<readonly ChunkRecord[]>

  /**
   * Raises the version from `from` to `from` + 1 for a set of `replicaCount`
   * replicas. Durable, a crash of the machine included, once it has resolved.
   *
   * @param placed the servers that are to make them, if there are none yet
   * @throws LeasefsError NOT_FOUND (deleted meanwhile), STALE_VERSION
   */
  raise(handle: ChunkHandle, from: number, replicaCount: number, placed?: readonly ServerId[]): Promise<ChunkRecord>

  /**
   * The replicas of `version` are about to be used: settledVersion becomes
   * `version`. Durable, a crash of the machine included, once it has resolved.
   *
   * @throws LeasefsError NOT_FOUND (deleted meanwhile), STALE_VERSION (raised meanwhile)
   */
  settle(handle: ChunkHandle, version: number): Promise<ChunkRecord>

  readonly counts: { readonly inodes: number; readonly chunks: number }
}
