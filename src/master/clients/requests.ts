// One request of a client to its answer: read from the state at once, changed
// through the executor, or asked of the chunks. What is registered as cached,
// and when, is decided here.

import { LeasefsError } from '../../base/errors.js'
import type { FsStatistics, LocateChunks, Reply, Request, SetLock } from '../../wire/gen/client.js'
import { type Attributes, LockKind, LockType } from '../../wire/gen/common.js'
import type { Origin } from '../../wire/gen/state.js'
import type { Ino, SessionId } from '../../wire/ids.js'
import type { ChunkService } from '../chunk-service.js'
import type { Committed, Executor } from '../executor.js'
import type { Journal } from '../journal/journal.js'
import { LockWaits } from '../locks/lock-waits.js'
import { checkOf } from '../ops/check.js'
import { doneResult, type Result } from '../ops/operation.js'
import { type Operation, readOperation } from '../ops/read.js'
import { checkNotInTrash } from '../ops/trash.js'
import type { State } from '../state/state.js'
import type { CacheLease, Watch } from './cache-lease.js'

export interface RequestsOptions {
  readonly state: State
  readonly executor: Executor
  readonly journal: Journal
  readonly chunks: ChunkService
  readonly goal: number
  /** Takes back what any session has cached about the inode. */
  readonly recall: (ino: Ino) => void
}

/** An answer as it is to be sent, and what the client may cache by it. */
export interface Answer {
  readonly result?: Result | undefined
  readonly failure?: LeasefsError | undefined
  readonly cached: readonly Ino[]
  /** Of the other inodes that were changed. */
  readonly changed?: readonly Attributes[]
  /** What it says may be out of date: the client is to drop it right after. */
  readonly dropped?: boolean
  /** Whether it is out of date before it is sent; ended by whoever sends it. */
  readonly watch?: Watch
}

export class Requests {
  readonly #options: RequestsOptions
  readonly #locks: LockWaits

  constructor(options: RequestsOptions) {
    this.#options = options
    this.#locks = new LockWaits(options.state, options.executor, options.recall)
  }

  /** The answer, at once where the state alone gives it: it is as new as the moment it is sent. @throws LeasefsError */
  answer(operation: Operation, origin: Origin, lease: CacheLease): Answer | Promise<Answer> {
    const { state, executor, journal, chunks } = this.#options
    const read = readOperation(state, operation, origin.sessionId)
    if (read) return read
    if (operation.$case === 'setLock') {
      return this.#locks.set(operation.value, origin).then(committed => this.#changed(operation, committed))
    }
    const check = checkOf(operation)
    const ahead = operation.$case === 'open'
    if (check) return executor.submit(check, origin, ahead).then(committed => this.#changed(operation, committed))
    switch (operation.$case) {
      case 'statFs':
        return { result: { $case: 'statistics', value: this.#statistics() }, cached: [] }
      case 'locateChunks':
        return this.#locate(operation.value, origin.sessionId, lease)
      case 'syncInode':
        return journal.sync().then(() => ({ result: doneResult, cached: [] }))
      case 'cancelWait':
        this.#locks.cancel(origin.sessionId, operation.value.number)
        return { result: doneResult, cached: [] }
      case 'reportReplica':
        return chunks.report(operation.value).then(() => ({ result: doneResult, cached: [] }))
      default:
        throw new LeasefsError('NOT_SUPPORTED', `no operation "${operation.$case}"`)
    }
  }

  /** To be called as a change commits: requests that waited for it go on. */
  committed(committed: Committed, origin: Origin | undefined): void {
    this.#locks.committed(committed, origin)
  }

  /** Nobody hears the session's answers: what waits is dropped. It is asked for again if the client comes back. */
  unheard(session: SessionId, reason: LeasefsError): void {
    this.#locks.cancelAll(session, reason)
  }

  /** A change's answer with the attributes of now: others may have changed the inodes since it was committed. */
  #changed(operation: Operation, committed: Committed): Answer {
    const cached = cachedBy(operation, committed)
    const dropped = committed.kind === 'repeated'
    const result = resultOf(committed)
    const about = result.$case === 'attributes' ? result.value.ino : undefined
    const touched = committed.kind === 'applied' ? committed.outcome.touched : []
    const changed = [...new Set(touched)].filter(ino => ino !== about).flatMap(ino => this.#attributes(ino) ?? [])
    const now = about === undefined ? undefined : this.#attributes(about)
    return { result: now ? { $case: 'attributes', value: now } : result, cached, changed, dropped }
  }

  #attributes(ino: number): Attributes | undefined {
    return this.#options.state.inodes.find(ino)?.attributes
  }

  /**
   * Registered before it is asked for: whoever changes the layout meanwhile
   * tells this client, and what has been found is then out of date.
   */
  async #locate({ ino, firstIndex, count, forWrite }: LocateChunks, id: number, lease: CacheLease): Promise<Answer> {
    const inode = this.#options.state.inodes.file(ino)
    if (forWrite) checkNotInTrash(inode)
    const cached = [ino as Ino]
    lease.register(cached)
    const watch = lease.watch(ino as Ino)
    try {
      const layout = await this.#options.chunks.locate(ino as Ino, firstIndex, count, forWrite, id as SessionId)
      return { result: { $case: 'layout', value: layout }, cached, watch }
    } catch (reason) {
      watch.end()
      throw reason
    }
  }

  #statistics(): FsStatistics {
    const { state, chunks, goal } = this.#options
    return { ...chunks.space(), inodes: state.meta.current.inodeCount, goal }
  }
}

export function resultOf(committed: Committed): Result {
  switch (committed.kind) {
    case 'applied':
      return committed.outcome.result
    case 'unchanged':
      return committed.result
    case 'repeated':
      return committed.reply.result ?? doneResult
  }
}

/** What an answered change lets the client cache: what it changed, the inode it is about, and the entry it made. */
export function cachedBy(operation: Operation, committed: Committed): readonly Ino[] {
  const cached = new Set(committed.kind === 'applied' ? committed.outcome.touched : [])
  const result = resultOf(committed)
  // Whose turn it is hears when another wants it.
  if (operation.$case === 'setLock' && isTurn(operation.value)) cached.add(operation.value.ino as Ino)
  if (result.$case === 'attributes') {
    if (operation.$case === 'make' || operation.$case === 'link') cached.add(operation.value.parent as Ino)
    cached.add(result.value.ino as Ino)
  }
  return [...cached]
}

function isTurn({ lock }: SetLock): boolean {
  return lock?.kind === LockKind.APPEND && lock.type !== LockType.UNLOCKED
}

/** @throws LeasefsError INVALID_ARGUMENT, NOT_SUPPORTED */
export function checkedRequest({ number, answeredThrough, operation }: Request): Operation {
  if (number < 1 || answeredThrough >= number) {
    throw new LeasefsError('INVALID_ARGUMENT', `request ${number}, answered through ${answeredThrough}`)
  }
  if (!operation) throw new LeasefsError('NOT_SUPPORTED', 'an operation this master does not know')
  return operation
}

export function replyOf(number: number, { result, failure, changed = [] }: Answer): Reply {
  if (!failure) return { number, failure: undefined, result, changed: [...changed] }
  return { number, failure: { code: failure.code, message: failure.message }, result: undefined, changed: [] }
}
