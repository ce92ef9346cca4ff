// Replicas that this server is making from those of others, while these go on
// to change. Such a replica has version 0: it is reported to nobody and serves
// nobody, until the master has it made level and raises its version.
//
// What has not come to that is removed when the store is opened, and when the
// server registers anew: the master that asked for it has given it up then.

import type { Clock } from '../base/clock.js'
import { LeasefsError } from '../base/errors.js'
import { parseAddress } from '../wire/address.js'
import type { CopyReplica } from '../wire/gen/chunkserver.js'
import { type ChunkHandle, handleText } from '../wire/ids.js'
import type { InOrder } from './in-order.js'
import type { Leveller, Pace, Source } from './levelling/leveller.js'
import { copiesAtOnceMax, copyPassesMax, copyRemainderBytes, spaceReserveBytes } from './limits.js'
import type { Replicas } from './replicas.js'
import type { ChunkStore } from './store/chunk-store.js'

export interface CopiesOptions {
  readonly store: ChunkStore
  readonly replicas: Pick<Replicas, 'forget' | 'isFailed'>
  readonly leveller: Pick<Leveller, 'pass'>
  readonly clock: Clock
  readonly freeBytes: () => number
  /** Of the commands about one chunk. */
  readonly inOrder: InOrder<ChunkHandle>
}

interface Copying {
  readonly stop: AbortController
  readonly ended: Promise<unknown>
}

export class Copies {
  readonly #options: CopiesOptions
  readonly #underWay = new Map<ChunkHandle, Copying>()
  /** Those begun since this server registered that may still be of version 0. */
  readonly #begun = new Set<ChunkHandle>()

  constructor(options: CopiesOptions) {
    this.#options = options
  }

  /**
   * Resolves when little of the source is missing, and what was copied is on the disk.
   *
   * @throws LeasefsError ALREADY_EXISTS (a replica that is not older is here), UNAVAILABLE, CANCELLED, NO_SPACE, IO,
   *   and what the source says
   */
  async copy(handle: ChunkHandle, request: CopyReplica): Promise<void> {
    const { source } = request
    if (!source || !(request.version > 0)) throw new LeasefsError('INVALID_ARGUMENT', 'a copy of nothing')
    if (this.#underWay.has(handle))
      throw new LeasefsError('UNAVAILABLE', `${handleText(handle)} is being copied already`)
    if (this.#underWay.size >= copiesAtOnceMax) throw new LeasefsError('UNAVAILABLE', 'too many copies at once')
    const from = {
      control: parseAddress(source.controlAddress),
      data: parseAddress(source.dataAddress),
      version: request.version,
    }
    const stop = new AbortController()
    const copying = this.#copy(handle, from, request.bytesPerSecond, stop.signal)
    this.#underWay.set(handle, { stop, ended: copying.catch(() => {}) })
    try {
      await copying
    } finally {
      this.#underWay.delete(handle)
    }
  }

  isUnderWay(handle: ChunkHandle): boolean {
    return this.#underWay.has(handle)
  }

  /** Resolves when nothing is copied into the replica any more. Not in the chunk's turn: what is copied may wait for one. */
  async stop(handle: ChunkHandle): Promise<void> {
    const copying = this.#underWay.get(handle)
    copying?.stop.abort()
    await copying?.ended
  }

  /** Removes what has not come into use. Resolves when that is done. */
  async discard(): Promise<void> {
    const { inOrder, store, replicas } = this.#options
    const begun = [...this.#begun]
    this.#begun.clear()
    const discarded = begun.map(async handle => {
      await this.stop(handle)
      await inOrder.run(handle, async () => {
        if (store.stat(handle)?.version !== 0) return
        await replicas.forget(handle, new LeasefsError('NOT_FOUND', `the copy of ${handleText(handle)} is given up`))
        await store.delete(handle)
      })
    })
    await Promise.all(discarded)
  }

  async #copy(handle: ChunkHandle, source: Source, bytesPerSecond: number, stop: AbortSignal): Promise<void> {
    const { store, leveller, inOrder } = this.#options
    await inOrder.run(handle, () => this.#begin(handle, source.version))
    const pacer = this.#pacer(bytesPerSecond, stop)
    for (let pass = 0; pass < copyPassesMax; pass++) {
      const before = pacer.bytes
      if (!(await leveller.pass(handle, source, pacer.pace))) break
      if (pacer.bytes - before <= copyRemainderBytes) break
    }
    if (stop.aborted) throw stopped(handle)
    await store.sync(handle)
  }

  async #begin(handle: ChunkHandle, version: number): Promise<void> {
    const { store, replicas } = this.#options
    const stored = store.stat(handle)
    this.#begun.add(handle)
    if (!stored) return await store.create(handle, 0)
    const text = handleText(handle)
    if (stored.version >= version && !replicas.isFailed(handle)) {
      throw new LeasefsError('ALREADY_EXISTS', `chunk ${text} is at version ${stored.version} here`)
    }
    await replicas.forget(handle, new LeasefsError('STALE_VERSION', `chunk ${text} is made anew from another replica`))
    await store.setVersion(handle, 0)
  }

  /** Bytes come no faster than this; 0: as fast as they do. */
  #pacer(bytesPerSecond: number, stop: AbortSignal): { readonly bytes: number; readonly pace: Pace } {
    const { clock, freeBytes } = this.#options
    let next = clock.now()
    const pacer = {
      bytes: 0,
      pace: async (bytes: number) => {
        const waitMs = next - clock.now()
        next = Math.max(next, clock.now()) + (bytesPerSecond > 0 ? (bytes * 1000) / bytesPerSecond : 0)
        if (waitMs > 0) await clock.sleep(waitMs, stop).catch(() => {})
        if (stop.aborted) throw new LeasefsError('CANCELLED', 'the copy is given up')
        if (freeBytes() < spaceReserveBytes + bytes) throw new LeasefsError('NO_SPACE', 'the disk is nearly full')
        pacer.bytes += bytes
      },
    }
    return pacer
  }
}

function stopped(handle: ChunkHandle): LeasefsError {
  return new LeasefsError('CANCELLED', `the copy of ${handleText(handle)} is given up`)
}
