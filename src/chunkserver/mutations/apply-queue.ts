// The mutations of one replica on their way into the store: strictly in serial
// order, one at a time (GFS section 3.1). A mutation whose data has not come
// holds everything behind it, for a bounded time.
//
// Once a mutation has failed nothing behind it is applied: the replica has a
// gap, and its owner is told before anyone else.

import assert from 'node:assert/strict'
import type { Clock } from '../../base/clock.js'
import { LeasefsError } from '../../base/errors.js'
import type { Trace } from '../../base/trace.js'
import { type ChunkHandle, type DataId, handleText, type LeaseId } from '../../wire/ids.js'
import { applyDataWaitMs } from '../limits.js'
import type { PushBuffer } from '../push-buffer.js'
import type { ChunkStore } from '../store/chunk-store.js'
import type { AppliedMutations } from './applied-mutations.js'
import type { CheckedMutation } from './checked.js'
import { DataUnknownError, failureOf } from './mutation-error.js'

export interface ApplyBatch {
  readonly leaseId: LeaseId
  readonly firstSerial: number
  readonly mutations: readonly CheckedMutation[]
  /** All of it is applied, and nothing behind it has begun. */
  readonly applied?: () => void
}

export interface ApplyQueueOptions {
  readonly handle: ChunkHandle
  readonly store: ChunkStore
  readonly data: PushBuffer
  readonly clock: Clock
  readonly trace: Trace | undefined
  /** Gets each mutation that is applied. */
  readonly applied: AppliedMutations
  /** The end of what was there before: nothing is applied until it has resolved. Never rejects. */
  readonly after: Promise<void>
  /** A mutation was not applied, and none behind it will be. */
  readonly failed: (reason: LeasefsError) => void
}

interface Queued extends ApplyBatch {
  readonly since: number
  /** Keys of the data that stays here for us. */
  readonly pinned: Set<string>
  readonly settle: (error: LeasefsError | undefined) => void
}

export class ApplyQueue {
  readonly #options: ApplyQueueOptions
  readonly #queue: Queued[] = []
  /** Why nothing more is applied: a failure, or the end of the lease. */
  #stopped: LeasefsError | undefined
  #running: Promise<void> | undefined
  /** Set while the first batch waits for its data. */
  #wake: (() => void) | undefined

  constructor(options: ApplyQueueOptions) {
    this.#options = options
    this.#running = options.after.then(() => this.#run())
  }

  get isIdle(): boolean {
    return this.#queue.length === 0
  }

  /** The caller has given the batch its place. Resolves when all of it is applied, or to the reason why not. Never rejects. */
  push(batch: ApplyBatch): Promise<LeasefsError | undefined> {
    const { data, clock } = this.#options
    const pinned = new Set<string>()
    for (const { id, key, change } of batch.mutations) if (change.kind === 'write' && data.pin(id)) pinned.add(key)
    const applied = new Promise<LeasefsError | undefined>(settle => {
      this.#queue.push({ ...batch, since: clock.now(), pinned, settle })
    })
    this.#running ??= this.#run()
    return applied
  }

  /** Gives up what has not begun. Resolves when what has begun has ended. Never rejects. */
  stop(reason: LeasefsError): Promise<void> {
    this.#stopped ??= reason
    this.#wake?.()
    return this.idle()
  }

  /** Resolves when the queue is empty. */
  async idle(): Promise<void> {
    while (this.#running) await this.#running
  }

  async #run(): Promise<void> {
    for (let batch = this.#queue[0]; batch; batch = this.#queue[0]) {
      const error = this.#stopped ?? (await this.#applyBatch(batch))
      this.#queue.shift()
      for (const { id, key } of batch.mutations) if (batch.pinned.has(key)) this.#options.data.unpin(id)
      if (error && !this.#stopped) {
        this.#stopped = error
        this.#options.failed(error)
      }
      batch.settle(error)
    }
    this.#running = undefined
  }

  async #applyBatch(batch: Queued): Promise<LeasefsError | undefined> {
    try {
      let serial = batch.firstSerial
      for (const mutation of batch.mutations) {
        await this.#apply(batch, mutation)
        this.#options.applied.note(mutation.key, { id: mutation.id, serial })
        this.#traceDone(batch, mutation, serial++)
      }
      batch.applied?.()
      return undefined
    } catch (reason) {
      return failureOf(reason)
    }
  }

  async #apply(batch: Queued, { id, key, change }: CheckedMutation): Promise<void> {
    const { handle, store, data } = this.#options
    if (this.#stopped) throw this.#stopped
    if (change.kind === 'truncate') return store.truncate(handle, change.length)
    if (change.kind === 'sync') return store.sync(handle)
    if (change.kind === 'zero') return store.zero(handle, change.offset, change.length)
    if (change.kind === 'allocate') return store.allocate(handle, change.offset, change.length)
    if (!batch.pinned.has(key)) await this.#awaitData(batch)
    const pushed = data.get(id)
    assert(pushed)
    if (pushed.length !== change.length) {
      throw new LeasefsError('INVALID_ARGUMENT', `data ${key} has ${pushed.length} bytes, not ${change.length}`)
    }
    await store.write(handle, change.offset, pushed.buffers)
  }

  /** Waits until all data of the batch is here, and pins it. */
  async #awaitData(batch: Queued): Promise<void> {
    const { data, clock } = this.#options
    const waitMs = Math.max(0, batch.since + applyDataWaitMs - clock.now())
    const absent = batch.mutations.filter(({ key, change }) => change.kind === 'write' && !batch.pinned.has(key))
    const stopped = new Promise<void>(resolve => {
      this.#wake = resolve
    })
    await Promise.race([stopped, Promise.all(absent.map(({ id }) => data.arrival(id, waitMs)))])
    this.#wake = undefined
    if (this.#stopped) throw this.#stopped
    const missing: DataId[] = []
    for (const { id, key } of absent) {
      if (data.pin(id)) batch.pinned.add(key)
      else missing.push(id)
    }
    if (missing.length > 0) throw new DataUnknownError(missing)
  }

  #traceDone({ leaseId }: Queued, { key, change }: CheckedMutation, serial: number): void {
    const { handle, store, trace } = this.#options
    if (!trace) return
    const version = store.stat(handle)?.version ?? 0
    const bytes = change.kind === 'write' ? change.length : 0
    trace('apply.done', { handle: handleText(handle), version, leaseId, serial, dataId: key, bytes })
  }
}
