// What a store keeps in memory of each replica, its file open or not.

import type { ChunkHandle } from '../../wire/ids.js'
import type { StoredReplica } from './chunk-store.js'

export interface ReplicaRecord extends StoredReplica {
  readonly handle: ChunkHandle
  version: number
  length: number
  /** What is stored of it; not known until its file was opened. */
  allocatedBytes: number | undefined
  doubtful: boolean
  /** Of the header in the file. Checksums in the file of a dirty replica count for nothing after a crash. */
  dirty: boolean
  /** Of the header in the file. */
  sequence: number
  /** The checksums in the file are those of the data, so that this process may load them although it is dirty. */
  checksumsSaved: boolean
  /** The directory entry of a new file is on the disk. */
  entryDurable: boolean
  /** When this process last changed it, by its clock. */
  changedAt: number | undefined
  /**
   * The disk failed to take what was written. What it holds is unknown, and no
   * later fdatasync would tell: the system forgets such pages.
   */
  lost: boolean
}

/** Of a replica just made. */
export function newRecord(handle: ChunkHandle, version: number, now: number): ReplicaRecord {
  return {
    handle,
    version,
    length: 0,
    allocatedBytes: 0,
    doubtful: false,
    dirty: true,
    sequence: 0,
    checksumsSaved: true,
    entryDurable: false,
    changedAt: now,
    lost: false,
  }
}
