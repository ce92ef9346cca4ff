// One batch of mutations of one chunk, until every replica has applied it: find
// the primary, push the data along the chain of replicas and, independently of
// the data, send the commit to the primary; when something goes wrong, do what
// the code says and try again. Mutations keep their data ids over all attempts,
// so each is applied once (GFS section 3.1 and 3.2).

import type { Clock } from '../base/clock.js'
import { LeasefsError } from '../base/errors.js'
import type { DataClient } from '../dataplane/data-plane.js'
import { addressText } from '../wire/address.js'
import type { ChunkUsage } from '../wire/gen/common.js'
import type { Mutation } from '../wire/gen/mutation.js'
import { type DataId, dataIdText, type Ino, type OrderPlace } from '../wire/ids.js'
import type { CommitOutcome, CommitStreams } from './commit-streams.js'
import { pushesInFlightMax, retryPauseMsMax, retryPauseMsMin } from './limits.js'
import type { LocationCache } from './location-cache.js'
import type { HeldLease, PresentChunk, ReplicaServer } from './locations.js'
import { commitRecoveryFrom } from './recovery.js'
import { Slots } from './slots.js'
import { type Attempt, Attempts, type Wait, type WaitSource } from './waits.js'

export interface WriteMutation {
  readonly kind: 'write'
  readonly id: DataId
  /** Offset in the chunk. */
  readonly offset: number
  readonly bytes: Buffer
  readonly crc32: number
}

/** A truncation for after a place in the order is refused (CHANGED) once other mutations came. */
export type BatchMutation =
  | WriteMutation
  | { readonly kind: 'truncate'; readonly id: DataId; readonly length: number; readonly after?: OrderPlace }
  | { readonly kind: 'zero' | 'allocate'; readonly id: DataId; readonly offset: number; readonly length: number }
  | { readonly kind: 'sync'; readonly id: DataId }

export interface Batch {
  readonly ino: Ino
  /** Of the chunk in the file. */
  readonly index: number
  readonly mutations: readonly BatchMutation[]
}

export interface MutatorOptions {
  readonly locations: Pick<LocationCache, 'locate' | 'forget' | 'watch'>
  readonly streams: Pick<CommitStreams, 'commit'>
  readonly data: Pick<DataClient, 'push'>
  readonly clock: Clock
  readonly timeoutMs: number
}

export interface Applied {
  /** Resolves when no push of the batch is under way: true if the bytes have left us for good. */
  readonly pushed: Promise<boolean>
  /** What the primary has stored of the chunk, if it says. */
  readonly usage: ChunkUsage | undefined
}

type LeasedChunk = PresentChunk & { readonly lease: HeldLease }

export class Mutator implements WaitSource {
  readonly #options: MutatorOptions
  readonly #attempts = new Attempts()
  readonly #slots = new Slots(pushesInFlightMax)

  constructor(options: MutatorOptions) {
    this.#options = options
  }

  /**
   * Resolves when all replicas have applied all mutations of the batch.
   *
   * @throws LeasefsError NO_SPACE and others at once; what the last attempt said when time is up
   */
  async apply(batch: Batch): Promise<Applied> {
    const { clock, locations, timeoutMs } = this.#options
    const deadline = clock.now() + timeoutMs
    const attempt = this.#attempts.begin(workOf(batch, clock.now(), deadline))
    const pushes: Promise<boolean>[] = []
    let toPush = batch.mutations.filter(mutation => mutation.kind === 'write')
    try {
      for (let pauseMs = retryPauseMsMin; ; pauseMs = Math.min(2 * pauseMs, retryPauseMsMax)) {
        const outcome = await this.#attempt(batch, toPush, pushes, attempt)
        if (outcome.ok) return { pushed: Promise.all(pushes).then(all => all.every(Boolean)), usage: outcome.usage }

        const recovery = commitRecoveryFrom[outcome.error.code]
        if (recovery === 'fail') throw outcome.error
        if (clock.now() + pauseMs >= deadline) throw timedOut(batch, outcome.error)
        toPush = batch.mutations.filter(mutation => mutation.kind === 'write')
        if (recovery === 'push-again') toPush = toPush.filter(among(outcome.missing))
        else locations.forget(batch.ino, batch.index)
        attempt.failed(outcome.error)
        await clock.sleep(pauseMs)
      }
    } finally {
      attempt.end()
    }
  }

  waits(): Iterable<Wait> {
    return this.#attempts.waits()
  }

  async #attempt(
    { ino, index, mutations }: Batch,
    toPush: readonly WriteMutation[],
    pushes: Promise<boolean>[],
    attempt: Attempt,
  ): Promise<CommitOutcome> {
    const located = await this.#primaryOf(ino, index)
    if (located instanceof LeasefsError) return { ok: false, error: located, missing: [] }
    const { handle, version, lease } = located
    attempt.asks(handle, [addressText(lease.primary.control)])
    for (const mutation of toPush) {
      await this.#slots.take()
      pushes.push(this.#push(mutation, lease.chain).finally(() => this.#slots.give()))
    }
    const committing = this.#options.streams.commit(lease.primary, {
      ...{ handle, version },
      mutations: mutations.map(toWire),
    })
    return await this.#unlessMoved({ ino, index }, lease.primary, committing)
  }

  /**
   * What comes first: the outcome, or the master's word that another server is
   * the primary now, as when the one that was asked has fallen silent. The
   * commit may have been done then.
   */
  #unlessMoved(
    { ino, index }: Pick<Batch, 'ino' | 'index'>,
    primary: ReplicaServer,
    committing: Promise<CommitOutcome>,
  ): Promise<CommitOutcome> {
    return new Promise(resolve => {
      const look = async () => {
        const located = await this.#primaryOf(ino, index).catch(LeasefsError.from)
        if (located instanceof LeasefsError || located.lease.primary.serverId === primary.serverId) return
        const error = new LeasefsError('NOT_PRIMARY', `chunk ${index} of inode ${ino} has another primary`)
        settle({ ok: false, error, missing: [] })
      }
      const unwatch = this.#options.locations.watch(ino, look)
      const settle = (outcome: CommitOutcome) => {
        unwatch()
        resolve(outcome)
      }
      committing.then(settle)
    })
  }

  /** UNAVAILABLE is worth another attempt; anything else the master says is final. */
  async #primaryOf(ino: Ino, index: number): Promise<LeasedChunk | LeasefsError> {
    try {
      const { chunk } = await this.#options.locations.locate(ino, index, 'write')
      if (chunk?.lease) return { ...chunk, lease: chunk.lease }
      return new LeasefsError('UNAVAILABLE', `chunk ${index} of inode ${ino} has no primary`)
    } catch (reason) {
      if (reason instanceof LeasefsError && reason.code === 'UNAVAILABLE') return reason
      throw reason
    }
  }

  /**
   * Along the chain. Past a broken link from us: to the server at its end, and
   * at the same time, in a chain of their own, to those behind it, which need
   * not wait for a server that may be silent. Whom we cannot reach at all is
   * left to the primary, which finds that it has not applied.
   */
  async #push(mutation: WriteMutation, chain: readonly ReplicaServer[]): Promise<boolean> {
    const { id, bytes, crc32 } = mutation
    const addresses = chain.map(({ data }) => data)
    const push = { id, chain: addresses, buffers: [bytes], length: bytes.length, crc32 }
    const outcome = await this.#options.data.push(push)
    if (outcome.ok) return true
    const cut = outcome.failedAt === 0 ? [] : chain.slice(outcome.failedAt, outcome.failedAt + 1)
    const behind = chain.slice(outcome.failedAt + 1)
    await Promise.all([cut, behind].map(part => part.length > 0 && this.#push(mutation, part)))
    return false
  }
}

function toWire(mutation: BatchMutation): Mutation {
  const { id } = mutation
  switch (mutation.kind) {
    case 'write': {
      const { offset, bytes } = mutation
      return { id, kind: { $case: 'write', value: { offset, length: bytes.length } } }
    }
    case 'truncate': {
      const { length, after } = mutation
      const place = after && { afterLeaseId: after.leaseId, afterSerial: after.serial }
      return { id, kind: { $case: 'truncate', value: { length, ...place } } }
    }
    case 'zero':
    case 'allocate': {
      const { kind, offset, length } = mutation
      return { id, kind: { $case: kind, value: { offset, length } } }
    }
    case 'sync':
      return { id, kind: { $case: 'sync', value: {} } }
  }
}

/** Whether a mutation is among `missing`; if a server does not say which it misses, all are. */
function among(missing: readonly DataId[]): (mutation: WriteMutation) => boolean {
  const ids = new Set(missing.map(dataIdText))
  return ({ id }) => ids.size === 0 || ids.has(dataIdText(id))
}

function workOf({ ino, index, mutations }: Batch, since: number, until: number): Wait {
  return { what: mutations[0]?.kind ?? 'write', waitsFor: 'primary', since, until, ino, index }
}

function timedOut({ ino, index }: Batch, cause: LeasefsError): LeasefsError {
  const message = `chunk ${index} of inode ${ino} could not be written in time: ${cause.message}`
  return new LeasefsError('TIMEOUT', message, { cause })
}
