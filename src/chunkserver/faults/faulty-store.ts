// A store whose disk fails as a test wants it to. Without faults it does what
// the store below it does.

import type { Clock } from '../../base/clock.js'
import { LeasefsError } from '../../base/errors.js'
import { type ChunkHandle, handleText } from '../../wire/ids.js'
import type {
  ChunkStore,
  Inspected,
  StoredBytes,
  StoredChecksums,
  StoredExtents,
  StoredReplica,
  StoreSpace,
} from '../store/chunk-store.js'
import type { FaultPlan, FaultyCall } from './plan.js'

export interface FaultyStoreOptions {
  readonly store: ChunkStore
  /** Asked before each call. */
  readonly plan: () => FaultPlan
  readonly clock: Clock
}

export class FaultyStore implements ChunkStore {
  readonly #store: ChunkStore
  readonly #plan: () => FaultPlan
  readonly #clock: Clock

  constructor({ store, plan, clock }: FaultyStoreOptions) {
    this.#store = store
    this.#plan = plan
    this.#clock = clock
  }

  list(): Iterable<StoredReplica> {
    return this.#store.list()
  }

  stat(handle: ChunkHandle): StoredReplica | undefined {
    return this.#store.stat(handle)
  }

  async create(handle: ChunkHandle, version: number): Promise<void> {
    await this.#meet('create', handle)
    await this.#store.create(handle, version)
  }

  async delete(handle: ChunkHandle): Promise<void> {
    await this.#meet('delete', handle)
    await this.#store.delete(handle)
  }

  forget(handle: ChunkHandle): Promise<void> {
    return this.#store.forget(handle)
  }

  async setVersion(handle: ChunkHandle, version: number): Promise<void> {
    await this.#meet('setVersion', handle)
    await this.#store.setVersion(handle, version)
  }

  async read(handle: ChunkHandle, offset: number, length: number): Promise<StoredBytes> {
    await this.#meet('read', handle)
    return await this.#store.read(handle, offset, length)
  }

  async write(handle: ChunkHandle, offset: number, buffers: readonly Buffer[]): Promise<void> {
    await this.#meet('write', handle, async () => {
      const bytes = Buffer.concat(buffers)
      await this.#store.write(handle, offset, [bytes.subarray(0, Math.floor(bytes.length / 2))])
    })
    await this.#store.write(handle, offset, buffers)
  }

  async truncate(handle: ChunkHandle, length: number): Promise<void> {
    await this.#meet('write', handle)
    await this.#store.truncate(handle, length)
  }

  async zero(handle: ChunkHandle, offset: number, length: number): Promise<void> {
    await this.#meet('write', handle)
    await this.#store.zero(handle, offset, length)
  }

  async allocate(handle: ChunkHandle, offset: number, length: number): Promise<void> {
    await this.#meet('write', handle)
    await this.#store.allocate(handle, offset, length)
  }

  extents(handle: ChunkHandle): Promise<StoredExtents> {
    return this.#store.extents(handle)
  }

  checksums(handle: ChunkHandle): Promise<StoredChecksums> {
    return this.#store.checksums(handle)
  }

  trust(handle: ChunkHandle): void {
    this.#store.trust(handle)
  }

  allocatedBytes(handle: ChunkHandle): number | undefined {
    return this.#store.allocatedBytes(handle)
  }

  async sync(handle: ChunkHandle): Promise<void> {
    await this.#meet('sync', handle)
    await this.#store.sync(handle)
  }

  async verify(handle: ChunkHandle, first: number, end: number): Promise<readonly number[]> {
    await this.#meet('read', handle)
    return await this.#store.verify(handle, first, end)
  }

  async mend(handle: ChunkHandle, index: number, bytes: Buffer): Promise<boolean> {
    await this.#meet('write', handle)
    return await this.#store.mend(handle, index, bytes)
  }

  inspect(handle: ChunkHandle): Promise<Inspected> {
    return this.#store.inspect(handle)
  }

  strangers(): Promise<readonly string[]> {
    return this.#store.strangers()
  }

  missing(): Promise<readonly ChunkHandle[]> {
    return this.#store.missing()
  }

  async probe(): Promise<void> {
    await this.#meet('write')
    await this.#meet('sync')
    await this.#store.probe()
  }

  async space(): Promise<StoreSpace> {
    const space = await this.#store.space()
    const { freeBytes = space.freeBytes } = this.#plan()
    return { ...space, freeBytes: Math.min(freeBytes, space.totalBytes) }
  }

  close(): Promise<void> {
    return this.#store.close()
  }

  /** Waits, and throws, as the plan has it for this call. */
  async #meet(call: FaultyCall, handle?: ChunkHandle, half?: () => Promise<void>): Promise<void> {
    const { delayMs, code, torn } = this.#plan().next(call)
    if (delayMs > 0) await this.#clock.sleep(delayMs)
    if (!code) return
    if (torn) await half?.()
    const what = handle === undefined ? 'the disk' : `replica ${handleText(handle)}`
    throw new LeasefsError(code, `${what}: a fault for a test (${call})`)
  }
}
