// Writing behind for one inode, whoever of this client writes to it: bytes are
// taken at once and pushed later, several batches at a time; then the master is
// told how long the file is.
//
// Two batches that touch the same block of the file are never under way at
// once, and batches start in the order in which they were sealed. So an older
// write can't overtake a newer one, however often it has to be tried again.
//
// An error of a push is kept until someone hears of it: once.

import { crc32 } from '@node-rs/crc32'
import type { Clock } from '../base/clock.js'
import { LeasefsError } from '../base/errors.js'
import { chunkSize } from '../constants.js'
import type { DataId, Ino } from '../wire/ids.js'
import { compareTimes, timestampOf } from './attributes.js'
import { DirtyData, type Extent, endOf } from './dirty-data.js'
import type { Attributes, Timestamp } from './file-system.js'
import { batchesInFlightMax, locateAheadBytes } from './limits.js'
import type { LocationCache } from './location-cache.js'
import type { Metadata } from './metadata.js'
import type { BatchMutation, Mutator } from './mutate.js'
import { type ExtentBatch, packBatches } from './pack-batches.js'
import type { Range } from './ranges.js'
import type { DirtyFile, WriteBehind } from './write-behind.js'

export interface FileWritesOptions {
  readonly ino: Ino
  readonly behind: WriteBehind
  readonly mutator: Pick<Mutator, 'apply'>
  readonly locations: Pick<LocationCache, 'prefetch'>
  readonly metadata: Pick<Metadata, 'written' | 'syncInode'>
  readonly nextDataId: () => DataId
  readonly clock: Clock
  /** What was read before of this range is out of date. */
  readonly changed: (range: Range) => void
}

interface QueuedBatch extends ExtentBatch {
  readonly done: Promise<void>
  readonly settle: () => void
}

export class FileWrites implements DirtyFile {
  readonly #options: FileWritesOptions
  readonly #dirty: DirtyData
  readonly #queue: QueuedBatch[] = []
  readonly #inFlight = new Set<QueuedBatch>()
  readonly #busyBlocks = new Set<number>()
  /** Chunks with mutations that may not be on the disks yet. */
  readonly #unsynced = new Set<number>()
  #bytesCounted = 0
  #error: LeasefsError | undefined
  #openSince: number | undefined
  /** End of the last write that the master may not know of; 0 if it knows all. */
  #end = 0
  #appliedEnd = 0
  /** Up to here there is nothing that was never applied, whatever is under way. */
  #wholeEnd = 0
  #reportedSize = 0
  #unreportedSince: number | undefined
  #mtime: Timestamp | undefined
  #reporting: Promise<void> = Promise.resolve()
  #locatedFor = -1

  constructor(options: FileWritesOptions) {
    this.#options = options
    this.#dirty = new DirtyData(options.behind.pool)
  }

  get dirtyBytes(): number {
    return this.#dirty.bytes
  }

  get waitingSince(): number | undefined {
    return this.#openSince ?? this.#unreportedSince
  }

  get isPushing(): boolean {
    return this.#inFlight.size > 0
  }

  /** Nothing is dirty, and the master knows everything. An error may still wait to be heard. */
  get isClean(): boolean {
    return this.#dirty.isEmpty && this.#unreportedSince === undefined
  }

  /** What the master says, with what it can't know yet. */
  view(attributes: Attributes): Attributes {
    const mtime = this.#mtime
    if (this.#end <= attributes.size && !mtime) return attributes
    const ctime = mtime && compareTimes(mtime, attributes.ctime) > 0 ? mtime : attributes.ctime
    return { ...attributes, size: Math.max(attributes.size, this.#end), mtime: mtime ?? attributes.mtime, ctime }
  }

  /** Takes a copy of the bytes. The caller has waited for room. */
  write(offset: number, data: Buffer): void {
    if (data.length === 0) return
    const { clock } = this.#options
    this.#dirty.write(offset, data)
    this.#mtime = timestampOf(clock.wallNs())
    this.#locateAhead(offset, data.length)
    this.#end = Math.max(this.#end, offset + data.length)
    this.#enqueue(this.#dirty.sealFull())
    this.#openSince = this.#dirty.hasOpen ? (this.#openSince ?? clock.now()) : undefined
    this.#changed()
  }

  /** The file's time was set: a report of earlier writes must not undo that. */
  setMtime(mtime: Timestamp | 'now'): void {
    if (this.#mtime) this.#mtime = mtime === 'now' ? timestampOf(this.#options.clock.wallNs()) : mtime
  }

  touches(range: Range): boolean {
    return this.#dirty.touches(range)
  }

  missing(range: Range): Range[] {
    return this.#dirty.missing(range)
  }

  copyTo(target: Buffer, offset: number): void {
    this.#dirty.copyTo(target, offset)
  }

  /** Resolves when every write so far has been applied, or has failed, and the master knows the size. */
  async flush(): Promise<void> {
    await this.#settled()
    this.throwError()
  }

  /** As flush, and on the disks of the replicas and of the master. */
  async sync(): Promise<void> {
    await this.flush()
    const indexes = [...this.#unsynced]
    this.#unsynced.clear()
    try {
      await Promise.all(indexes.map(index => this.applyOne(index, { kind: 'sync', id: this.#options.nextDataId() })))
    } catch (reason) {
      for (const index of indexes) this.#unsynced.add(index)
      throw reason
    }
    await this.#options.metadata.syncInode(this.#options.ino)
  }

  /** One mutation without data, by itself. */
  async applyOne(index: number, mutation: BatchMutation): Promise<void> {
    await this.#options.mutator.apply({ ino: this.#options.ino, index, mutations: [mutation] })
    if (mutation.kind === 'truncate') this.#unsynced.add(index)
  }

  /** Drops what has been written beyond `size`, and waits until nothing is under way. The caller holds writers off. */
  async cut(size: number): Promise<void> {
    if (this.#queue.length === 0 && this.#inFlight.size === 0) this.#dirty.cut(size)
    await this.#settled()
    this.#end = 0
    this.#appliedEnd = Math.min(this.#appliedEnd, size)
    this.#wholeEnd = Math.min(this.#wholeEnd, size)
    this.#reportedSize = Math.min(this.#reportedSize, size)
  }

  /** The error of a push that nobody has heard of yet, if there is one. */
  throwError(): void {
    const error = this.#error
    this.#error = undefined
    if (error) throw error
  }

  pushBehind(): void {
    this.#pushOpen()
    if (this.#unreportedSince !== undefined) this.#report().catch(reason => this.#keep(reason))
  }

  /** Everything written so far has been applied or has failed, and has been reported. */
  async #settled(): Promise<void> {
    const end = this.#end
    this.#pushOpen()
    await Promise.all([...this.#inFlight, ...this.#queue].map(({ done }) => done))
    this.#wholeEnd = Math.max(this.#wholeEnd, Math.min(end, this.#appliedEnd))
    if (this.#unreportedSince !== undefined) await this.#report()
  }

  #pushOpen(): void {
    this.#enqueue(this.#dirty.sealAll())
    this.#openSince = undefined
    this.#changed()
  }

  #enqueue(extents: readonly Extent[]): void {
    if (extents.length === 0) return
    for (const batch of packBatches(extents)) {
      let settle = () => {}
      const done = new Promise<void>(resolve => {
        settle = resolve
      })
      this.#queue.push({ ...batch, done, settle })
    }
    this.#pump()
  }

  #pump(): void {
    while (this.#inFlight.size < batchesInFlightMax) {
      const [next] = this.#queue
      if (!next || next.blocks.some(block => this.#busyBlocks.has(block))) return
      this.#queue.shift()
      this.#inFlight.add(next)
      for (const block of next.blocks) this.#busyBlocks.add(block)
      this.#apply(next)
    }
  }

  async #apply(batch: QueuedBatch): Promise<void> {
    const { ino, mutator } = this.#options
    this.#unsynced.add(batch.index)
    try {
      const mutations = batch.extents.map(extent => this.#mutationOf(extent))
      const { pushed } = await mutator.apply({ ino, index: batch.index, mutations })
      for (const extent of batch.extents) this.#appliedEnd = Math.max(this.#appliedEnd, endOf(extent))
      this.#unreportedSince ??= this.#options.clock.now()
      this.#reuse(batch, pushed)
    } catch (reason) {
      this.#keep(reason)
    }
    this.#settle(batch)
  }

  #mutationOf({ start, length, buffer }: Extent): BatchMutation {
    const bytes = buffer.length === length ? buffer : buffer.subarray(0, length)
    return { kind: 'write', id: this.#options.nextDataId(), offset: start % chunkSize, bytes, crc32: crc32(bytes) }
  }

  #settle(batch: QueuedBatch): void {
    for (const extent of batch.extents) {
      this.#dirty.settle(extent)
      this.#options.changed({ start: extent.start, end: endOf(extent) })
    }
    for (const block of batch.blocks) this.#busyBlocks.delete(block)
    this.#inFlight.delete(batch)
    this.#forgetEnd()
    this.#changed()
    batch.settle()
    this.#pump()
  }

  /** Nobody reads a buffer any more once its bytes have been pushed and applied: reads of dirty data copy. */
  #reuse({ extents }: QueuedBatch, pushed: Promise<boolean>): void {
    pushed.then(ok => {
      if (ok) for (const { buffer } of extents) this.#options.behind.pool.give(buffer)
    })
  }

  /** Tells the master the size: up to the first byte that is still under way. One report at a time. */
  #report(): Promise<void> {
    this.#reporting = this.#reporting.catch(() => {}).then(() => this.#reportNow())
    return this.#reporting
  }

  async #reportNow(): Promise<void> {
    const { ino, metadata } = this.#options
    const since = this.#unreportedSince
    if (since === undefined) return
    const mtime = this.#mtime
    const pendingFrom = this.#dirty.firstFrom(this.#reportedSize)
    const size = Math.max(this.#wholeEnd, Math.min(this.#appliedEnd, pendingFrom ?? this.#appliedEnd))
    this.#unreportedSince = size < this.#appliedEnd ? this.#options.clock.now() : undefined
    try {
      const attributes = await metadata.written(ino, size, mtime)
      this.#reportedSize = attributes.size
      if (this.#mtime === mtime && this.isClean) this.#mtime = undefined
    } catch (reason) {
      this.#unreportedSince = since
      // Nobody will ever be able to: the inode is gone.
      if (LeasefsError.from(reason).code === 'NOT_FOUND') this.#unreportedSince = undefined
      throw reason
    } finally {
      this.#forgetEnd()
      this.#changed()
    }
  }

  /** With nothing dirty and nothing to report the master's word on the size is all there is. */
  #forgetEnd(): void {
    if (this.isClean) this.#end = 0
  }

  #keep(reason: unknown): void {
    if (!(reason instanceof LeasefsError)) throw reason
    this.#error ??= reason
  }

  #changed(): void {
    const more = this.#dirty.bytes - this.#bytesCounted
    this.#bytesCounted = this.#dirty.bytes
    this.#options.behind.changed(this, more)
  }

  /** The chunk that is written, and near its end the next one, are located before they are needed. */
  #locateAhead(offset: number, length: number): void {
    const { ino, locations } = this.#options
    const index = Math.floor((offset + length + locateAheadBytes) / chunkSize)
    if (index === this.#locatedFor) return
    const first = Math.floor(offset / chunkSize)
    if (this.#locatedFor < first || this.#locatedFor > index) locations.prefetch(ino, first, 'write')
    if (index > first && offset + length >= this.#end) locations.prefetch(ino, index, 'write')
    this.#locatedFor = index
  }
}
