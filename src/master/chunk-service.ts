// The two halves of the master as they see one another: `ChunkService` is what
// clients' operations ask of placement, leases and chunkserver sessions
// (chunks/), and `Namespace` what those ask of the tree of files (state/,
// clients/). Together with ChunkTable that is the whole seam.

import type { Handler } from '../rpc/control-network.js'
import type { ChunkLayout, ReportReplica } from '../wire/gen/client.js'
import type { Attributes } from '../wire/gen/common.js'
import type { ChunkHandle, Ino, SessionId } from '../wire/ids.js'

export interface ChunkService {
  /**
   * Where the chunks [firstIndex, firstIndex + count) of a file are, in order
   * of index, holes included. `forWrite` makes those that are missing and sees
   * to it that each has a lease in force. Arguments come from the wire unchecked,
   * except that `ino` was a regular file a moment ago.
   *
   * @throws LeasefsError INVALID_ARGUMENT (the range), NOT_FOUND, FILE_TOO_LARGE,
   *   NO_SPACE, UNAVAILABLE (no server, no replica that may serve)
   */
  locate(ino: Ino, firstIndex: number, count: number, forWrite: boolean, clientSession: SessionId): Promise<ChunkLayout>

  /** A client could not read a replica. Hearsay: it starts an inquiry at most. @throws LeasefsError INVALID_ARGUMENT */
  report(report: ReportReplica): Promise<void>

  /** Of all connected chunkservers together, goal not counted in. */
  space(): { readonly totalBytes: number; readonly freeBytes: number }

  /** These chunks are no longer in the table: their leases end and their replicas may go. Returns at once. */
  dropped(handles: readonly ChunkHandle[]): void

  /** MasterService.chunkserverSession, status and locate. */
  handlers(): readonly Handler[]

  /** Ends the chunkserver sessions and every timer. Idempotent. */
  close(): Promise<void>
}

export interface Namespace {
  /** @throws LeasefsError NOT_FOUND */
  attributes(ino: Ino): Attributes

  /**
   * Walks "a/b/c" from the root, a leading "/" or not, following no symlink.
   *
   * @throws LeasefsError NOT_FOUND, NOT_A_DIRECTORY, NAME_TOO_LONG, INVALID_ARGUMENT
   */
  resolvePath(path: Buffer): Attributes

  /**
   * Takes back what clients cache about the file, from every session, and waits
   * for their word or the end of their leases: nobody asks a replica that has
   * been left behind any more. Bounded by clientLeaseMs; never rejects.
   */
  invalidate(ino: Ino): Promise<void>

  /** Every change answered so far survives a crash of the machine once it has resolved. @throws LeasefsError IO */
  synced(): Promise<void>

  /** Whether the file has been deleted: it lives on only for who has it open, or in the trash for who may want it back. */
  isDeleted(ino: Ino): boolean

  /** Client sessions that have not ended, connected or not. */
  readonly sessionCount: number
}
