// What the master remembers of chunkservers in its journal.

import type { ServerId } from '../wire/ids.js'
import type { Executor } from './executor.js'
import { checkServerDraining } from './ops/server-draining.js'
import type { State } from './state/state.js'

export interface ServerTable {
  /** Those that are being emptied, or have been: they get nothing new. */
  readonly draining: ReadonlySet<ServerId>

  /** Journaled before it resolves. @throws LeasefsError NO_SPACE, IO, UNAVAILABLE */
  setDraining(id: ServerId, draining: boolean): Promise<void>
}

export class StateServerTable implements ServerTable {
  readonly #state: State
  readonly #executor: Executor
  #draining: ReadonlySet<ServerId>

  constructor(state: State, executor: Executor) {
    this.#state = state
    this.#executor = executor
    this.#draining = new Set(state.servers.draining())
  }

  get draining(): ReadonlySet<ServerId> {
    return this.#draining
  }

  async setDraining(id: ServerId, draining: boolean): Promise<void> {
    await this.#executor.submit(state => checkServerDraining(state, id, draining))
    this.#draining = new Set(this.#state.servers.draining())
  }
}
