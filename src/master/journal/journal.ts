// The journal is the truth of the master: an append-only sequence of records,
// numbered densely from 1. test/suites/journal.ts is this contract in
// executable form.

import type { LeasefsError } from '../../base/errors.js'

export interface JournalRecord {
  readonly index: number
  readonly payload: Buffer
}

export interface Journal {
  /** Index of the first record that is kept: those before it are in a snapshot. */
  readonly firstIndex: number

  /** Index of the last record; 0 if there has been none. */
  readonly lastIndex: number

  /** Why nothing is appended until the journal is opened again, if that is so. */
  readonly broken: LeasefsError | undefined

  /** How many bytes are kept of records after `index`, or a little more. */
  bytesAfter(index: number): number

  /**
   * Appends records with the next indexes, all in one write(2). When it has
   * returned they survive the death of the process; see sync() for the machine.
   * On an error nothing was appended.
   *
   * @throws LeasefsError NO_SPACE, IO
   */
  append(payloads: readonly Buffer[]): void

  /** Everything appended so far survives a crash of the machine once it has resolved. Concurrent calls share one fdatasync. */
  sync(): Promise<void>

  /**
   * The records from `first` on, in order.
   *
   * @throws LeasefsError CORRUPT: damage before the end, or records that are missing. A torn last record was cut when the
   * journal was opened.
   */
  read(first: number): Iterable<JournalRecord>

  /** Everything so far is on the disk afterwards, and what follows apart from it, so that discardThrough() can have it. */
  roll(): Promise<void>

  /** Records up to `index` are not needed any more. They go as far as they are kept apart from later ones. */
  discardThrough(index: number): void

  close(): Promise<void>
}
