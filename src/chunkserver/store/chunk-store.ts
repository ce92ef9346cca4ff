// Where a chunkserver keeps its replicas. test/suites/chunk-store.ts is this
// contract in executable form: every store passes it.

import { MiB } from '../../base/units.js'
import { checksumBlockSize } from '../../constants.js'
import type { ChunkHandle } from '../../wire/ids.js'

/** Blocks that one call of verify() reads. */
export const verifyBlocksMax = MiB / checksumBlockSize

export interface StoredReplica {
  readonly handle: ChunkHandle
  readonly version: number
  /** Bytes from the chunk's start to the end of the last write. */
  readonly length: number
  /** A crash may have cost it changes, or left some half done: not to be relied on until trust(). */
  readonly doubtful: boolean
}

/** What a read returned: pieces that follow one another, and the crc32 of them all. */
export interface StoredBytes {
  readonly buffers: readonly Buffer[]
  readonly length: number
  readonly crc32: number
}

/** Blocks that were written are stored, also if they are zeros; others are holes. */
export interface StoredExtents {
  /** One bit a block, lowest bit first. Bytes that are missing are holes. */
  readonly blocks: Buffer
  /** Of the replica. */
  readonly length: number
  /** What the stored blocks have of the replica, in whole allocation units. */
  readonly allocatedBytes: number
}

/** What a replica holds, to be compared with another. */
export interface StoredChecksums {
  /** One bit a block, lowest bit first. Bytes that are missing are holes. */
  readonly blocks: Buffer
  /** Of the replica. */
  readonly length: number
  /** Of its blocks, as docs/FORMAT.md has them: 0 for a hole. */
  readonly checksums: Uint32Array
}

/**
 * What the disk has of a replica beside its bytes: `mended` if that was not what
 * it should be, and is now; `gone`: nothing, it was taken away behind our back.
 */
export type Inspected = 'good' | 'mended' | 'gone'

export interface StoreSpace {
  readonly totalBytes: number
  readonly freeBytes: number
}

/**
 * Calls on different chunks may overlap; the caller orders the calls that
 * change one chunk (reads may overlap them, and see each change whole or not
 * at all within one checksum block). A method that has resolved survives the
 * death of the process; what must survive a crash of the machine says so.
 */
export interface ChunkStore {
  /** Every replica in the store, in no order. */
  list(): Iterable<StoredReplica>

  /** The replica, if it is here. */
  stat(handle: ChunkHandle): StoredReplica | undefined

  /**
   * A new, empty replica. One of version 0 is being made, and is gone when the store is opened again.
   *
   * @throws LeasefsError ALREADY_EXISTS, NO_SPACE, IO
   */
  create(handle: ChunkHandle, version: number): Promise<void>

  /** Removes the replica; nothing happens if there is none. @throws LeasefsError IO */
  delete(handle: ChunkHandle): Promise<void>

  /** The replica does not count any more. Its file, if there is one, is left as it is. */
  forget(handle: ChunkHandle): Promise<void>

  /** Durable, a crash of the machine included, once it has resolved. @throws LeasefsError NOT_FOUND, IO */
  setVersion(handle: ChunkHandle, version: number): Promise<void>

  /**
   * Bytes [offset, offset + length), fewer only at the end of the replica.
   * Holes are zeros. Every block touched is verified first.
   *
   * @throws LeasefsError NOT_FOUND, CORRUPT, IO
   */
  read(handle: ChunkHandle, offset: number, length: number): Promise<StoredBytes>

  /**
   * Writes the pieces one after another from `offset` on; the replica grows as
   * needed. The buffers are the store's until it has resolved.
   *
   * @throws LeasefsError NOT_FOUND, NO_SPACE, CORRUPT (the rest of a block that is changed in part), IO
   */
  write(handle: ChunkHandle, offset: number, buffers: readonly Buffer[]): Promise<void>

  /** Cuts, or grows with zeros. @throws LeasefsError NOT_FOUND, CORRUPT, IO */
  truncate(handle: ChunkHandle, length: number): Promise<void>

  /**
   * These bytes read as zeros, and whole blocks among them are holes. Nothing
   * happens beyond the end of the replica, whose last block is whole if the
   * range covers what there is of it.
   *
   * @throws LeasefsError NOT_FOUND, NO_SPACE, CORRUPT (the rest of a block that is changed in part), IO
   */
  zero(handle: ChunkHandle, offset: number, length: number): Promise<void>

  /**
   * Holes among these bytes are stored as zeros; the replica grows to the end
   * of the range.
   *
   * @throws LeasefsError NOT_FOUND, NO_SPACE, IO
   */
  allocate(handle: ChunkHandle, offset: number, length: number): Promise<void>

  /** Which blocks are stored. @throws LeasefsError NOT_FOUND, IO */
  extents(handle: ChunkHandle): Promise<StoredExtents>

  /** A copy, as of one moment. Nothing is read: a block that the disk has damaged keeps its checksum. @throws LeasefsError NOT_FOUND, IO */
  checksums(handle: ChunkHandle): Promise<StoredChecksums>

  /** The replica is not doubtful any more: it was compared with others, or is the one that they are made equal to. */
  trust(handle: ChunkHandle): void

  /** As extents() has it, after the last change; undefined if the replica was not used since the store was opened. */
  allocatedBytes(handle: ChunkHandle): number | undefined

  /** Everything written to this replica survives a crash of the machine once it has resolved. @throws LeasefsError NOT_FOUND, IO */
  sync(handle: ChunkHandle): Promise<void>

  /**
   * Reads blocks from `first` to before `end` (verifyBlocksMax at most) from the disk itself, past what is cached
   * where that can be done. Returns those that are damaged or cannot be read.
   *
   * @throws LeasefsError NOT_FOUND, UNAVAILABLE (the replica cannot be opened)
   */
  verify(handle: ChunkHandle, first: number, end: number): Promise<readonly number[]>

  /**
   * Puts these bytes in place of a block (as much as the replica has of it) if they are what was written there, as its
   * checksum has it: else nothing happens, and the answer is false. Once it has resolved with true they are on the disk.
   *
   * @throws LeasefsError NOT_FOUND, NO_SPACE, IO
   */
  mend(handle: ChunkHandle, index: number, bytes: Buffer): Promise<boolean>

  /** Compares what the disk has of the replica beside its bytes with what it should have. @throws LeasefsError NOT_FOUND, UNAVAILABLE, NO_SPACE, IO */
  inspect(handle: ChunkHandle): Promise<Inspected>

  /** Names of files that look like replicas, and are none that the store knows. @throws LeasefsError IO */
  strangers(): Promise<readonly string[]>

  /** Replicas that the store knows and whose files have been taken away, the first 1000. @throws LeasefsError IO */
  missing(): Promise<readonly ChunkHandle[]>

  /** Writes something, has it synced, and removes it: whether the disk takes anything at all. @throws LeasefsError NO_SPACE, IO */
  probe(): Promise<void>

  space(): Promise<StoreSpace>

  /** Syncs what is not, and lets go of the directory. */
  close(): Promise<void>
}
