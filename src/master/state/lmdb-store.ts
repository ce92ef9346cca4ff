// The state on disk, in LMDB without its own syncing: a commit costs some 15 µs
// and survives the death of the process. After a crash of the machine the file
// may be anything, so it is then thrown away and made again from the journal:
// `openLmdbStore` decides that from a mark beside it (docs/FORMAT.md, "State").

import assert, { AssertionError } from 'node:assert/strict'
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { type Database, open, type RangeOptions, type RootDatabase, type Transaction } from 'lmdb'
import { LeasefsError } from '../../base/errors.js'
import type { Logger } from '../../base/log.js'
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

/** What the mark says: the machine's boot under which the store was last open, and whether it was closed and synced. */
interface Mark {
  readonly bootId: string
  readonly clean: boolean
}

const binary = { encoding: 'binary', keyEncoding: 'binary' } as const

/**
 * Opens the store in `directory`, or an empty one if what is there cannot be
 * trusted. `bootId` names the present boot of the machine.
 *
 * @throws LeasefsError IO, NO_SPACE
 */
export function openLmdbStore(directory: string, bootId: string, log: Logger): StateStore {
  return guarded(() => {
    mkdirSync(directory, { recursive: true })
    const mark = readMark(directory)
    if (mark && !mark.clean && mark.bootId !== bootId) {
      log.warn({ directory }, 'the machine stopped while the state was in use: it is made again from the journal')
    }
    if (!mark || (!mark.clean && mark.bootId !== bootId)) {
      for (const file of ['data.mdb', 'lock.mdb']) rmSync(join(directory, file), { force: true })
    }
    writeMark(directory, { bootId, clean: false })
    return new LmdbStore(directory, bootId)
  })
}

class LmdbStore implements StateStore {
  readonly #directory: string
  readonly #bootId: string
  readonly #root: RootDatabase<Buffer, Buffer>
  readonly #tables = new Map<TableName, LmdbTable>()
  readonly #transaction = { open: false }
  #closed: Promise<void> | undefined

  constructor(directory: string, bootId: string) {
    this.#directory = directory
    this.#bootId = bootId
    this.#root = open({ path: directory, noSubdir: false, noSync: true, maxDbs: tableNames.length, ...binary })
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
    guarded(() => {
      syncPath(join(this.#directory, 'data.mdb'))
      writeMark(this.#directory, { bootId: this.#bootId, clean: true })
    })
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

function readMark(directory: string): Mark | undefined {
  const path = join(directory, 'mark.json')
  if (!existsSync(path)) return undefined
  try {
    const mark: unknown = JSON.parse(readFileSync(path, 'utf8'))
    const known = typeof mark === 'object' && mark !== null && 'bootId' in mark && 'clean' in mark
    return known ? { bootId: String(mark.bootId), clean: mark.clean === true } : undefined
  } catch (reason) {
    if (reason instanceof SyntaxError) return undefined // Half written: as if there were none.
    throw reason
  }
}

/** Durable once it returns: the mark never says more than is true. */
function writeMark(directory: string, mark: Mark): void {
  const path = join(directory, 'mark.json')
  const file = openSync(`${path}.new`, 'w')
  try {
    writeSync(file, `${JSON.stringify(mark)}\n`)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
  renameSync(`${path}.new`, path)
  syncPath(directory)
}

function syncPath(path: string): void {
  const file = openSync(path, 'r')
  try {
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}

/** @throws LeasefsError NO_SPACE, IO */
function guarded<T>(run: () => T): T {
  try {
    return run()
  } catch (reason) {
    if (reason instanceof AssertionError) throw reason
    throw storeError(reason)
  }
}

/** LMDB says errno values as text, and its own "map full" when it may not grow. */
function storeError(reason: unknown): LeasefsError {
  const text = reason instanceof Error ? reason.message : String(reason)
  const full = /ENOSPC|No space left|MAP_FULL|EDQUOT/.test(text)
  return new LeasefsError(full ? 'NO_SPACE' : 'IO', `state: ${text}`, { cause: reason })
}
