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
import type { ChunkUsage } from '../wire/gen/common.js'
import type { DataId, Ino } from '../wire/ids.js'
import { ChunkUsages } from './chunk-usages.js'
import { DirtyData, type Extent, endOf } from './dirty-data.js'
import type { Attributes, Timestamp } from './file-system.js'
import { batchesInFlightMax, locateAheadBytes } from './limits.js'
import type { LocationCache } from './location-cache.js'
import type { Metadata } from './metadata.js'
import type { BatchMutation, Mutator } from './mutate.js'
import { type ExtentBatch, packBatches } from './pack-batches.js'
import type { Range } from './ranges.js'
import { SizeReports } from './size-reports.js'
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
  readonly #reports: SizeReports
  readonly #usages = new ChunkUsages()
  readonly #queue: QueuedBatch[] = []
  readonly #inFlight = new Set<QueuedBatch>()
  readonly #busyBlocks = new Set<number>()
  /** Chunks with mutations that may not be on the disks yet. */
  readonly #unsynced = new Set<number>()
  #bytesCounted = 0
  #error: LeasefsError | undefined
  #openSince: number | undefined
  #locatedFor = -1

  constructor(options: FileWritesOptions) {
    this.#options = options
    const { ino, metadata, clock } = options
    this.#dirty = new DirtyData(options.behind.pool)
    this.#reports = new SizeReports({
      ...{ ino, metadata, clock, usages: this.#usages },
      pendingFrom: offset => this.#dirty.firstFrom(offset),
      allApplied: () => this.#dirty.isEmpty,
      changed: () => this.#changed(),
    })
  }

  get dirtyBytes(): number {
    return this.#dirty.bytes
  }

  get waitingSince(): number | undefined {
    return this.#openSince ?? this.#reports.since
  }

  get isPushing(): boolean {
    return this.#inFlight.size > 0
  }

  /** Nothing is dirty, and the master knows everything. An error may still wait to be heard. */
  get isClean(): boolean {
    return this.#dirty.isEmpty && this.#reports.isDone
  }

  /** What the master says, with what it can't know yet. */
  view(attributes: Attributes): Attributes {
    return this.#reports.view(attributes)
  }

  /** Takes a copy of the bytes. The caller has waited for room. */
  write(offset: number, data: Buffer): void {
    if (data.length === 0) return
    const { clock } = this.#options
    this.#dirty.write(offset, data)
    this.#locateAhead(offset, data.length)
    this.#reports.wrote(offset + data.length)
    this.#enqueue(this.#dirty.sealFull())
    this.#openSince = this.#dirty.hasOpen ? (this.#openSince ?? clock.now()) : undefined
    this.#changed()
  }

  /** The file's time was set: a report of earlier writes must not undo that. */
  setMtime(mtime: Timestamp | 'now'): void {
    this.#reports.setMtime(mtime)
  }

  othersChanged(): void {
    this.#reports.othersChanged()
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

  /** As flush, for who can't report an error: it stays for the next who can. */
  async settle(): Promise<void> {
    await this.#settled().catch(reason => this.#keep(reason))
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
    const { usage } = await this.#options.mutator.apply({ ino: this.#options.ino, index, mutations: [mutation] })
    this.#usages.note(index, usage)
    if (mutation.kind !== 'sync') this.#unsynced.add(index)
  }

  /** The content was changed by a mutation of its own: told to the master, with the time and what is stored now. */
  async reportChange(): Promise<void> {
    this.#reports.wrote(0)
    this.#reports.applied(0)
    await this.#reports.report()
  }

  /** What primaries have said of what is stored, and the master has not been told. */
  takeUsages(): readonly ChunkUsage[] {
    return this.#usages.take()
  }

  /** Drops what has been written beyond `size`, and waits until nothing is under way. The caller holds writers off. */
  async cut(size: number): Promise<void> {
    if (this.#queue.length === 0 && this.#inFlight.size === 0) this.#dirty.cut(size)
    await this.#settled()
    this.#reports.cut(size)
  }

  /**
   * The master counts the inode as open for no session of ours. So what it has not been told
   * of beyond the file's end may have been taken for a dead client's, and be gone.
   */
  sessionLost(): void {
    if (!this.#reports.growsUntold) return
    const what = `what was written beyond the end of inode ${this.#options.ino}`
    this.#keep(new LeasefsError('IO', `${what} may be lost: the session with the master was lost before it was told`))
  }

  /** The error of a push that nobody has heard of yet, if there is one. */
  throwError(): void {
    const error = this.#error
    this.#error = undefined
    if (error) throw error
  }

  pushBehind(): void {
    this.#pushOpen()
    this.#reports.report().catch(reason => this.#keep(reason))
  }

  /** Everything written so far has been applied or has failed, and has been reported. */
  async #settled(): Promise<void> {
    const { end } = this.#reports
    this.#pushOpen()
    await Promise.all([...this.#inFlight, ...this.#queue].map(({ done }) => done))
    this.#reports.settledTo(end)
    await this.#reports.report()
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
      const { pushed, usage } = await mutator.apply({ ino, index: batch.index, mutations })
      this.#usages.note(batch.index, usage)
      for (const extent of batch.extents) this.#reports.applied(endOf(extent))
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
    this.#reports.forget()
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
    if (index > first && offset + length >= this.#reports.end) locations.prefetch(ino, index, 'write')
    this.#locatedFor = index
  }
}
