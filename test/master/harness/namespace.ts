// A master without its network: operations through the executor, on either
// store, with time standing still between them.

import assert from 'node:assert/strict'
import type { Test } from 'tap'
import type { LeasefsError } from '../../../src/base/errors.js'
import { silentLog } from '../../../src/base/log.js'
import { SimulatedClock } from '../../../src/base/simulated-clock.js'
import type { Committed, Durability } from '../../../src/master/executor.js'
import { Executor } from '../../../src/master/executor.js'
import type { Journal } from '../../../src/master/journal/journal.js'
import { MemoryJournal } from '../../../src/master/journal/memory-journal.js'
import { type Check, checkOf } from '../../../src/master/ops/check.js'
import type { Outcome } from '../../../src/master/ops/operation.js'
import { type Operation, type ReadAnswer, readOperation } from '../../../src/master/ops/read.js'
import { checkSessionEnd, checkSessionStart } from '../../../src/master/ops/session.js'
import { checkStart } from '../../../src/master/ops/start.js'
import { replay } from '../../../src/master/replay.js'
import { keyNumber, pairKey } from '../../../src/master/state/keys.js'
import { openLmdbStore } from '../../../src/master/state/lmdb-store.js'
import { MemoryStore } from '../../../src/master/state/memory-store.js'
import { State } from '../../../src/master/state/state.js'
import { type StateStore, tableNames } from '../../../src/master/state/state-store.js'
import type { Make, SetAttributes } from '../../../src/wire/gen/client.js'
import { type Attributes, FileType } from '../../../src/wire/gen/common.js'
import type { Origin } from '../../../src/wire/gen/state.js'
import type { SessionId } from '../../../src/wire/ids.js'

export const root = 1
export const { REGULAR, DIRECTORY, SYMLINK, FIFO, CHARACTER_DEVICE } = FileType

export interface NamespaceOptions {
  readonly store?: StateStore
  /** In place of a store: one that is open already. */
  readonly state?: State
  readonly journal?: Journal
  readonly durability?: Durability
  /** Whether deleted files are kept: not unless it says so. */
  readonly trash?: boolean
  readonly noGrowth?: () => LeasefsError | undefined
  /** How many there are from the beginning: 1 unless it says otherwise. */
  readonly sessions?: 0 | 1
  readonly committed?: (committed: Committed, origin: Origin | undefined) => Promise<void> | undefined
}

export class Namespace {
  readonly clock = new SimulatedClock()
  readonly store: StateStore
  readonly journal: Journal
  readonly state: State
  readonly executor: Executor
  /** Of the first session, which exists from the beginning. */
  readonly session = 1
  readonly #numbers = new Map<number, number>()

  /** With a root (mode 0755, owner 0), and one session unless it is asked for none; or what a restart finds. */
  static async open(options: NamespaceOptions = {}): Promise<Namespace> {
    const namespace = new Namespace(options)
    replay(namespace.state, namespace.journal)
    if (namespace.state.meta.current.appliedIndex > 0) return namespace
    await namespace.submit((state, context) => checkStart(state, { uid: 0, gid: 0 }, false, context))
    if (options.sessions !== 0) await namespace.startSession()
    return namespace
  }

  constructor({ store = new MemoryStore(), journal = new MemoryJournal(), ...options }: NamespaceOptions) {
    this.store = store
    this.journal = journal
    this.state = options.state ?? new State(store)
    this.executor = new Executor({
      ...{ state: this.state, journal, clock: this.clock, log: silentLog, goal: 3 },
      durability: options.durability ?? 'process',
      trash: options.trash ?? false,
      ...(options.noGrowth ? { noGrowth: options.noGrowth } : {}),
      committed: options.committed ?? (() => undefined),
    })
  }

  submit(check: Check, origin?: Origin): Promise<Committed> {
    return this.executor.submit(check, origin)
  }

  async startSession(): Promise<SessionId> {
    const id = this.state.meta.current.nextSessionId
    await this.submit(state => checkSessionStart(state, `test ${id}`))
    return id as SessionId
  }

  async endSession(id: number, expired = false): Promise<Outcome> {
    return outcomeOf(await this.submit(state => checkSessionEnd(state, id as SessionId, expired)))
  }

  /** A change, or what was in its place already. */
  async change(operation: Operation, session = this.session): Promise<Outcome> {
    const check = checkOf(operation)
    assert(check, `${operation.$case} changes something`)
    const number = (this.#numbers.get(session) ?? this.#lastAnswered(session)) + 1
    this.#numbers.set(session, number)
    const origin = { sessionId: session, number, answeredThrough: number - 1 }
    return outcomeOf(await this.submit(check, origin))
  }

  /** The number at which a session was when the master was restarted. */
  #lastAnswered(session: number): number {
    const answers = this.store.table('answers').range({ from: pairKey(session, 0), to: pairKey(session + 1, 0) })
    return Math.max(0, ...Array.from(answers, ({ key }) => keyNumber(key, 8)))
  }

  read(operation: Operation, session = this.session): ReadAnswer {
    const answer = readOperation(this.state, operation, session)
    assert(answer, `${operation.$case} reads something`)
    return answer
  }

  async make(parent: number, name: string, more: Partial<Make> = {}, session = this.session): Promise<Attributes> {
    const make: Make = {
      ...{ parent, name: Buffer.from(name), type: REGULAR, mode: 0o644, uid: 10, gid: 20, rdev: 0 },
      ...{ symlinkTarget: Buffer.alloc(0), exclusive: true, open: false },
      ...more,
    }
    return attributesOf(await this.change({ $case: 'make', value: make }, session))
  }

  makeDirectory(parent: number, name: string): Promise<Attributes> {
    return this.make(parent, name, { type: DIRECTORY, mode: 0o755 })
  }

  async link(ino: number, parent: number, name: string): Promise<Attributes> {
    return attributesOf(await this.change({ $case: 'link', value: { ino, parent, name: Buffer.from(name) } }))
  }

  unlink(parent: number, name: string, uid?: number): Promise<Outcome> {
    return this.change({ $case: 'unlink', value: { parent, name: Buffer.from(name), uid } })
  }

  removeDirectory(parent: number, name: string): Promise<Outcome> {
    return this.change({ $case: 'removeDirectory', value: { parent, name: Buffer.from(name) } })
  }

  rename(
    [parent, name]: readonly [number, string],
    [newParent, newName]: readonly [number, string],
    flags: { readonly noReplace?: boolean; readonly exchange?: boolean; readonly uid?: number } = {},
  ): Promise<Outcome> {
    const names = { parent, name: Buffer.from(name), newParent, newName: Buffer.from(newName) }
    return this.change({
      $case: 'rename',
      value: { ...names, noReplace: false, exchange: false, uid: undefined, ...flags },
    })
  }

  async setAttributes(ino: number, changes: Partial<SetAttributes>): Promise<Attributes> {
    const times = { atime: undefined, mtime: undefined, atimeNow: false, mtimeNow: false }
    const none = { ...times, killPrivileges: false, usage: [] }
    return attributesOf(await this.change({ $case: 'setAttributes', value: { ino, ...none, ...changes } }))
  }

  open(ino: number, session = this.session): Promise<Outcome> {
    return this.change({ $case: 'open', value: { ino } }, session)
  }

  close(ino: number, session = this.session): Promise<Outcome> {
    return this.change({ $case: 'close', value: { inos: [ino] } }, session)
  }

  stat(ino: number): Attributes {
    return this.state.inodes.get(ino).attributes
  }

  names(parent: number): string[] {
    return this.state.dentries.page(parent, Buffer.alloc(0), 1_000_000).map(({ name }) => String(name))
  }

  /** Every entry of every table. */
  dump(): Record<string, string[]> {
    return dumpStore(this.store)
  }

  /** Lets time pass, so that a change of a time can be seen. */
  tick(): Promise<void> {
    return this.clock.advance(1000)
  }

  async shutdown(): Promise<void> {
    await this.executor.close()
    await this.state.close()
  }
}

export function dumpStore(store: StateStore): Record<string, string[]> {
  const entries = (name: (typeof tableNames)[number]) =>
    Array.from(store.table(name).range({ from: Buffer.alloc(0) }), ({ key, value }) => {
      return `${key.toString('hex')} ${value.toString('hex')}`
    })
  return Object.fromEntries(tableNames.map(name => [name, entries(name)]))
}

/** The same test on the store in memory and on the one on disk. */
export function onEachStore(
  t: Test,
  name: string,
  body: (t: Test, namespace: Namespace) => Promise<void>,
  options: Pick<NamespaceOptions, 'trash'> = {},
): void {
  const run = async (t: Test, store: StateStore) => {
    const namespace = await Namespace.open({ ...options, store })
    try {
      await body(t, namespace)
    } finally {
      await namespace.shutdown()
    }
  }
  t.test(`${name} (memory)`, t => run(t, new MemoryStore()))
  t.test(`${name} (lmdb)`, t => run(t, openLmdbStore(t.testdir(), 'boot')))
}

export function attributesOf({ result }: Outcome): Attributes {
  assert(result.$case === 'attributes')
  return result.value
}

export function outcomeOf(committed: Committed): Outcome {
  switch (committed.kind) {
    case 'applied':
      return committed.outcome
    case 'unchanged':
      return { result: committed.result, touched: [], freed: [] }
    case 'repeated':
      assert(committed.reply.result)
      return { result: committed.reply.result, touched: [], freed: [] }
  }
}
