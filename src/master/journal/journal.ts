// The journal is the truth of the master: an append-only sequence of records,
// numbered densely from 1. test/suites/journal.ts is this contract in
// executable form.

export interface JournalRecord {
  readonly index: number
  readonly payload: Buffer
}

export interface Journal {
  /** Index of the last record; 0 if there is none. */
  readonly lastIndex: number

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
   * @throws LeasefsError CORRUPT: damage before the end. A torn last record was cut when the journal was opened.
   */
  read(first: number): Iterable<JournalRecord>

  close(): Promise<void>
}
