// What the chunk half of the master may ask of the other: the tree of files,
// their clients' caches, and the journal.

import { LeasefsError } from '../base/errors.js'
import { pathLengthMax, rootIno } from '../constants.js'
import type { Attributes } from '../wire/gen/common.js'
import type { Ino } from '../wire/ids.js'
import type { Namespace } from './chunk-service.js'
import type { ClientSessions } from './clients/client-sessions.js'
import type { Journal } from './journal/journal.js'
import { checkName } from './ops/names.js'
import type { State } from './state/state.js'

export class StateNamespace implements Namespace {
  readonly #state: State
  readonly #journal: Journal
  /** Asked for at each call: the sessions are made after the chunks, which need this. */
  readonly #sessions: () => ClientSessions | undefined

  constructor(state: State, journal: Journal, sessions: () => ClientSessions | undefined) {
    this.#state = state
    this.#journal = journal
    this.#sessions = sessions
  }

  get sessionCount(): number {
    return this.#sessions()?.count ?? 0
  }

  attributes(ino: Ino): Attributes {
    return this.#state.inodes.get(ino).attributes
  }

  resolvePath(path: Buffer): Attributes {
    if (path.length > pathLengthMax) throw new LeasefsError('NAME_TOO_LONG', `a path of ${path.length} bytes`)
    let ino = rootIno as Ino
    for (const name of splitPath(path)) {
      checkName(name)
      this.#state.inodes.directory(ino)
      ino = this.#state.dentries.get(ino, name)
    }
    return this.attributes(ino)
  }

  isDeleted(ino: Ino): boolean {
    const inode = this.#state.inodes.find(ino)
    return !inode || inode.attributes.nlink === 0 || inode.trash !== undefined
  }

  async invalidate(ino: Ino): Promise<void> {
    await this.#sessions()?.invalidate(ino)
  }

  async synced(): Promise<void> {
    await this.#journal.sync()
  }
}

/** The names between the slashes. */
function splitPath(path: Buffer): Buffer[] {
  const names: Buffer[] = []
  for (let from = 0; from <= path.length; ) {
    const slash = path.indexOf('/', from)
    const to = slash < 0 ? path.length : slash
    if (to > from) names.push(path.subarray(from, to))
    from = to + 1
  }
  return names
}
