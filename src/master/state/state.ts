// Everything the master keeps: the tables of the state together, changed only
// by applying journal records (ops/apply.ts), in transactions.

import { ChunkRecords } from './chunks.js'
import { Dentries } from './dentries.js'
import { Inodes } from './inodes.js'
import { Locks } from './locks.js'
import { Meta } from './meta.js'
import { Opens } from './opens.js'
import { ServerRecords } from './servers.js'
import { Answers, Sessions } from './sessions.js'
import type { StateSnapshot, StateStore, TableName } from './state-store.js'
import { TrashOrder } from './trash.js'
import { Xattrs } from './xattrs.js'

export class State {
  readonly inodes: Inodes
  readonly dentries: Dentries
  readonly xattrs: Xattrs
  readonly opens: Opens
  readonly locks: Locks
  readonly chunks: ChunkRecords
  readonly servers: ServerRecords
  readonly trash: TrashOrder
  readonly sessions: Sessions
  readonly answers: Answers
  readonly meta: Meta
  readonly #store: StateStore

  constructor(store: StateStore) {
    this.#store = store
    this.inodes = new Inodes(store)
    this.dentries = new Dentries(store)
    this.xattrs = new Xattrs(store)
    this.opens = new Opens(store)
    this.locks = new Locks(store)
    this.chunks = new ChunkRecords(store)
    this.servers = new ServerRecords(store)
    this.trash = new TrashOrder(store)
    this.sessions = new Sessions(store)
    this.answers = new Answers(store)
    this.meta = new Meta(store)
  }

  /** All of `run`'s changes, or none if it throws. @throws as StateStore.transaction */
  transaction<T>(run: () => T): T {
    try {
      return this.#store.transaction(() => {
        const result = run()
        this.meta.write()
        return result
      })
    } catch (reason) {
      this.meta.rolledBack()
      this.answers.rolledBack()
      this.locks.rolledBack()
      throw reason
    }
  }

  /** What there is now, to be read while it goes on changing. */
  snapshot(): StateSnapshot {
    return this.#store.snapshot()
  }

  /** Within a transaction, behind the back of the tables above: what they keep in memory is read anew. */
  replaceRow(table: TableName, key: Buffer, value: Buffer | undefined): void {
    if (table === 'meta') {
      if (value) this.meta.replace(value)
      return
    }
    if (value) this.#store.table(table).put(key, value)
    else this.#store.table(table).remove(key)
    this.answers.rolledBack()
    this.locks.rolledBack()
  }

  close(): Promise<void> {
    return this.#store.close()
  }
}
