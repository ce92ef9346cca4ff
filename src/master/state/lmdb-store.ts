// The state on disk, in LMDB without its own syncing: a commit costs some 15 µs
// and survives the death of the process. After a crash of the machine the file
// may be anything, so it is then thrown away and made again from the journal:
// `openLmdbStore` decides that from a mark beside it (docs/FORMAT.md, "State").

import assert, { AssertionError } from 'node:assert/strict'
import { closeSync, mkdirSync, openSync, readSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { type Database, open, type RangeOptions, type RootDatabase, type Transaction } from 'lmdb'
import { LeasefsError } from '../../base/errors.js'
import type { Logger } from '../../base/log.js'
import { discardMark, type Mark, readMark, syncPath, writeMark } from './mark.js'
import {
  type KeyRange,
  type StateSnapshot,
  type StateStore,
  type StateTable,
  type TableName,
  type TableReader,
  type TableRow,
  tableNames,
} from './state-store.js'

const binary = { encoding: 'binary', keyEncoding: 'binary' } as const

/** The file of the store in its directory, and what LMDB keeps beside it. */
export const dataFile = 'data.mdb'
const lockFile = 'lock.mdb'

/** Of the two pages with which a file of LMDB begins: their size, and what tells them. */
const pageSize = 4096
const magicOffset = 24
const magic = 0xbeefc0de

/** A store that can be copied while it is in use. */
export interface LmdbStateStore extends StateStore {
  /** It had to be made again since settleRecords() was last called. */
  readonly recordsLost: boolean

  /** A start of the master that knows of it is on the disk. @throws LeasefsError IO, NO_SPACE */
  settleRecords(): void

  /** What is on the disk may not be what was written: it is made again at the next start. @throws LeasefsError IO, NO_SPACE */
  distrust(): void

  /** What a copy may take. */
  readonly bytes: number

  /**
   * Copies the store, as it is at one moment of the call, into `dataFile` of an empty directory. Reads and changes go on meanwhile.
   *
   * @throws LeasefsError NO_SPACE, IO
   */
  copyTo(directory: string): Promise<void>
}

/**
 * Removes what is in `directory` if it cannot be trusted. Returns whether it did: the state has to be made. `bootId` names the
 * present boot of the machine.
 *
 * @throws LeasefsError IO
 */
export function discardUntrusted(directory: string, bootId: string, log: Logger): boolean {
  return guarded(() => {
    mkdirSync(directory, { recursive: true })
    const mark = readMark(directory)
    if (mark && (mark.clean || mark.bootId === bootId)) return false
    if (mark) log.warn({ directory }, 'the machine stopped while the state was in use: it is made again')
    discardStore(directory)
    return true
  })
}

/** The mark first: without it nothing is trusted that is put in place of the store before that is whole. @throws LeasefsError IO */
export function discardStore(directory: string): void {
  guarded(() => {
    discardMark(directory)
    for (const file of [dataFile, lockFile]) rmSync(join(directory, file), { force: true })
  })
}

/**
 * Opens the store in `directory`, or an empty one if there is none. `rebuilt`: it had to be made again.
 *
 * @throws LeasefsError IO, NO_SPACE
 */
export function openLmdbStore(directory: string, bootId: string, rebuilt = false): LmdbStateStore {
  return guarded(() => {
    mkdirSync(directory, { recursive: true })
    const recordsLost = rebuilt || readMark(directory)?.recordsLost === true
    writeMark(directory, { bootId, clean: false, recordsLost })
    return new LmdbStore(directory, { bootId, recordsLost })
  })
}

/** Opens a store to look at, or the copy of one: `path` is its file. @throws LeasefsError IO, CORRUPT */
export function readLmdbStore(path: string): StateStore {
  return guarded(() => {
    if (!isLmdbFile(path)) throw new LeasefsError('CORRUPT', `${path} is not a state: it does not begin as one`)
    return new LmdbStore(path)
  })
}

/** LMDB itself does not survive a file that is none of its own. */
function isLmdbFile(path: string): boolean {
  const head = Buffer.alloc(2 * pageSize)
  const file = openSync(path, 'r')
  try {
    const length = readSync(file, head, 0, head.length, 0)
    return length === head.length && [0, pageSize].every(page => head.readUInt32LE(page + magicOffset) === magic)
  } finally {
    closeSync(file)
  }
}

class LmdbStore implements LmdbStateStore {
  readonly #path: string
  /** Of a store that is written. */
  readonly #written: Pick<Mark, 'bootId' | 'recordsLost'> | undefined
  #recordsLost: boolean
  #distrusted = false
  readonly #root: RootDatabase<Buffer, Buffer>
  readonly #tables = new Map<TableName, LmdbTable>()
  readonly #transaction = { open: false }
  #closed: Promise<void> | undefined

  /** `path` is that of its directory if it is written, and of its file if not. */
  constructor(path: string, written?: Pick<Mark, 'bootId' | 'recordsLost'>) {
    this.#path = path
    this.#written = written
    this.#recordsLost = written?.recordsLost ?? false
    const use = written ? { noSync: true } : { readOnly: true }
    this.#root = open({ path, noSubdir: !written, maxDbs: tableNames.length, ...use, ...binary })
    for (const name of tableNames) {
      this.#tables.set(name, new LmdbTable(this.#root.openDB<Buffer, Buffer>({ name, ...binary }), this.#transaction))
    }
  }

  table(name: TableName): StateTable {
    return this.#table(name)
  }

  snapshot(): StateSnapshot {
    assert(!this.#transaction.open, 'a snapshot within a transaction')
    const transaction = guarded(() => this.#root.useReadTransaction())
    let released = false
    return {
      table: name => this.#table(name).at(transaction),
      release: () => {
        if (!released) transaction.done()
        released = true
      },
    }
  }

  transaction<T>(run: () => T): T {
    assert(!this.#transaction.open, 'transactions do not nest')
    let thrown: { readonly reason: unknown } | undefined
    this.#transaction.open = true
    try {
      return this.#root.transactionSync(() => {
        try {
          return run()
        } catch (reason) {
          thrown = { reason }
          throw reason
        }
      })
    } catch (reason) {
      // What `run` threw is the caller's; anything else is LMDB's.
      throw thrown ? thrown.reason : storeError(reason)
    } finally {
      this.#transaction.open = false
    }
  }

  get recordsLost(): boolean {
    return this.#recordsLost
  }

  settleRecords(): void {
    if (!this.#recordsLost) return
    this.#recordsLost = false
    this.#mark(false)
  }

  distrust(): void {
    this.#distrusted = true
    this.#recordsLost = true
    this.#mark(false)
  }

  get bytes(): number {
    return guarded(() => statSync(join(this.#path, dataFile)).size)
  }

  async copyTo(directory: string): Promise<void> {
    try {
      await this.#root.backup(directory, true)
    } catch (reason) {
      throw storeError(reason)
    }
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  #table(name: TableName): LmdbTable {
    const table = this.#tables.get(name)
    assert(table)
    return table
  }

  async #close(): Promise<void> {
    await this.#root.close()
    if (!this.#written) return
    guarded(() => syncPath(join(this.#path, dataFile)))
    this.#mark(true)
  }

  #mark(clean: boolean): void {
    const bootId = this.#distrusted ? '' : (this.#written?.bootId ?? '')
    const mark = { bootId, clean: clean && !this.#distrusted, recordsLost: this.#recordsLost }
    guarded(() => writeMark(this.#path, mark))
  }
}

class LmdbTable implements StateTable {
  readonly #database: Database<Buffer, Buffer>
  readonly #transaction: { readonly open: boolean }

  constructor(database: Database<Buffer, Buffer>, transaction: { readonly open: boolean }) {
    this.#database = database
    this.#transaction = transaction
  }

  get(key: Buffer): Buffer | undefined {
    return this.#database.getBinary(key)
  }

  range(range: KeyRange): Iterable<TableRow> {
    return this.#database.getRange(rangeOptions(range))
  }

  /** As it was when the read transaction began. */
  at(transaction: Transaction): TableReader {
    return {
      get: key => this.#database.get(key, { transaction }),
      range: range => this.#database.getRange({ ...rangeOptions(range), transaction }),
    }
  }

  put(key: Buffer, value: Buffer): void {
    assert(this.#transaction.open, 'changed outside of a transaction')
    guarded(() => this.#database.putSync(key, value))
  }

  remove(key: Buffer): void {
    assert(this.#transaction.open, 'changed outside of a transaction')
    guarded(() => this.#database.removeSync(key))
  }
}

function rangeOptions({ from, to, limit }: KeyRange): RangeOptions {
  const end = to ? { end: to } : {}
  return { start: from, ...end, ...(limit === undefined ? {} : { limit }) }
}

/** @throws LeasefsError NO_SPACE, IO */
function guarded<T>(run: () => T): T {
  try {
    return run()
  } catch (reason) {
    if (reason instanceof AssertionError || reason instanceof LeasefsError) throw reason
    throw storeError(reason)
  }
}

/** LMDB says errno values as text, and its own "map full" when it may not grow. */
function storeError(reason: unknown): LeasefsError {
  const text = reason instanceof Error ? reason.message : String(reason)
  const full = /ENOSPC|No space left|MAP_FULL|EDQUOT/.test(text)
  return new LeasefsError(full ? 'NO_SPACE' : 'IO', `state: ${text}`, { cause: reason })
}
