// Where the master keeps its state: named tables of ordered keys and values.
// test/suites/state-store.ts is this contract in executable form; lmdb-store.ts
// keeps it on disk, memory-store.ts is the twin for tests and simulation.

/** The tables, in the order of docs/FORMAT.md. */
export const tableNames = [
  'meta',
  'inodes',
  'dentries',
  'xattrs',
  'opens',
  'sessionOpens',
  'locks',
  'sessionLocks',
  'chunks',
  'fileChunks',
  'sessions',
  'answers',
  'servers',
  'trash',
] as const

export type TableName = (typeof tableNames)[number]

export interface KeyRange {
  /** The first key that may be returned. */
  readonly from: Buffer
  /** The first key beyond the range; absent: to the end of the table. */
  readonly to?: Buffer
  readonly limit?: number
}

export interface TableRow {
  readonly key: Buffer
  readonly value: Buffer
}

export interface TableReader {
  /** A copy that is the caller's. */
  get(key: Buffer): Buffer | undefined

  /** In byte order of the keys. The table may not be changed before the last one is taken. */
  range(range: KeyRange): Iterable<TableRow>
}

/** The tables as one reads them. */
export interface StateReader {
  table(name: TableName): TableReader
}

/** The tables as they were in one moment, whatever is changed afterwards. */
export interface StateSnapshot extends StateReader {
  /** Until then the store keeps what was replaced. Idempotent. */
  release(): void
}

export interface StateTable extends TableReader {
  /** Only within a transaction. */
  put(key: Buffer, value: Buffer): void

  /** Only within a transaction. Nothing happens if there is no such key. */
  remove(key: Buffer): void
}

export interface StateStore extends StateReader {
  table(name: TableName): StateTable

  /** As it is now; not within a transaction. Released before the store is closed. */
  snapshot(): StateSnapshot

  /**
   * Runs `run`, whose reads see its own changes, and keeps all of them if it
   * returns and none if it throws. What was kept survives the death of the process. Not nested.
   *
   * @throws what `run` threw; LeasefsError NO_SPACE, IO: nothing was kept
   */
  transaction<T>(run: () => T): T

  /** Lets go. Afterwards everything survives a crash of the machine. Idempotent. */
  close(): Promise<void>
}
