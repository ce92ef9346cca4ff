// Writing behind for one inode, whoever of this client writes to it: bytes are
// taken at once and pushed later, several batches at a time; then the master is
// told how long the file is.
//
// An error of a push is kept until someone hears of it: once.

import { crc32 } from '@node-rs/crc32'
import type { Clock } from '../base/clock.js'
import { errorCodeOf, LeasefsError } from '../base/errors.js'
import { chunkSize } from '../constants.js'
import type { ChunkUsage } from '../wire/gen/common.js'
import type { DataId, Ino } from '../wire/ids.js'
import { BatchQueue, type QueuedBatch } from './batch-queue.js'
import { ChunkUsages } from './chunk-usages.js'
import { DirtyData, type Extent, endOf } from './dirty-data.js'
import type { Attributes, Timestamp } from './file-system.js'
import { locateAheadBytes } from './limits.js'
import type { LocationCache } from './location-cache.js'
import type { Metadata } from './metadata.js'
import type { BatchMutation, Mutator } from './mutate.js'
import { type Range, uncovered } from './ranges.js'
import { SizeReports } from './size-reports.js'
import type { InodeState, PushedBatch, Survival, WrittenPiece } from './survival.js'
import { foundExtents, SurvivingWrites } from './surviving-writes.js'
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
  /** Absent: no process comes after this one. */
  readonly survival?: Survival | undefined
}

/** What an earlier process has left of one file's writes. */
export interface FoundWrites {
  readonly pieces: readonly WrittenPiece[]
  readonly batches: readonly PushedBatch[]
  readonly state: InodeState | undefined
}

export class FileWrites implements DirtyFile {
  readonly #options: FileWritesOptions
  readonly #dirty: DirtyData
  readonly #reports: SizeReports
  readonly #usages = new ChunkUsages()
  readonly #surviving: SurvivingWrites | undefined
  readonly #batches = new BatchQueue(batch => this.#apply(batch))
  /** Chunks with mutations that may not be on the disks yet. */
  readonly #unsynced = new Set<number>()
  /** Chunks that are being synced. */
  readonly #syncing: (readonly number[])[] = []
  #bytesCounted = 0
  #error: LeasefsError | undefined
  #openSince: number | undefined
  #locatedFor = -1

  constructor(options: FileWritesOptions) {
    this.#options = options
    const { ino, metadata, clock, survival } = options
    this.#surviving = survival && new SurvivingWrites(survival, ino)
    this.#dirty = new DirtyData(options.behind.pool)
    this.#reports = new SizeReports({
      ...{ ino, metadata, clock, usages: this.#usages },
      pendingFrom: offset => this.#dirty.firstFrom(offset),
      allApplied: () => this.#dirty.isEmpty,
      changed: () => this.#changed(),
      reported: () => this.#remember(),
    })
  }

  get dirtyBytes(): number {
    return Math.max(this.#dirty.bytes, this.#surviving?.bytes ?? 0)
  }

  get waitingSince(): number | undefined {
    return this.#openSince ?? this.#reports.since
  }

  get isPushing(): boolean {
    return this.#batches.isRunning
  }

  /** Nothing is dirty, and the master knows everything. An error may still wait to be heard. */
  get isClean(): boolean {
    return this.#dirty.isEmpty && this.#reports.isDone
  }

  /** What the master says, with what it can't know yet. */
  view(attributes: Attributes): Attributes {
    return this.#reports.view(attributes)
  }

  /** Takes a copy of the bytes. The caller has waited for room. `onceFor`: the call for which they are written once. */
  write(offset: number, data: Buffer, onceFor?: number): void {
    if (data.length === 0) return
    const { clock } = this.#options
    this.#dirty.write(offset, data)
    this.#locateAhead(offset, data.length)
    const mtime = this.#reports.wrote(offset + data.length)
    this.#surviving?.wrote(offset, data, mtime, onceFor)
    // It may be applied, and so forgotten, before the call is answered (O_SYNC).
    if (onceFor !== undefined) this.#options.survival?.done(onceFor)
    this.#seal(this.#dirty.sealFull())
    this.#openSince = this.#dirty.hasOpen ? (this.#openSince ?? clock.now()) : undefined
    this.#changed()
  }

  /** The file's time was set: a report of earlier writes must not undo that. */
  setMtime(mtime: Timestamp | 'now'): void {
    this.#reports.setMtime(mtime)
    this.#remember()
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
    this.#syncing.push(indexes)
    try {
      await Promise.all(indexes.map(index => this.applyOne(index, { kind: 'sync', id: this.#options.nextDataId() })))
    } catch (reason) {
      for (const index of indexes) this.#unsynced.add(index)
      throw reason
    } finally {
      this.#syncing.splice(this.#syncing.indexOf(indexes), 1)
    }
    if (indexes.length > 0) this.#remember()
    await this.#options.metadata.syncInode(this.#options.ino)
  }

  /** One mutation without data, by itself. */
  async applyOne(index: number, mutation: BatchMutation): Promise<void> {
    // A sync that is applied late does no harm.
    const key = mutation.kind === 'sync' ? undefined : this.#surviving?.applying(index, mutation)
    try {
      const { usage } = await this.#options.mutator.apply({ ino: this.#options.ino, index, mutations: [mutation] })
      this.#usages.note(index, usage)
    } finally {
      if (key !== undefined) this.#surviving?.applied(key)
    }
    if (mutation.kind === 'sync') return
    this.#unsynced.add(index)
    this.#remember()
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
    if (this.#batches.isEmpty) this.#cutOpen(size)
    await this.#settled()
    this.#reports.cut(size)
  }

  #cutOpen(size: number): void {
    this.#dirty.cut(size)
    const { mtime } = this.#reports
    if (!mtime) return
    const kept = (range: Range) => {
      return uncovered(range, this.#dirty.missing(range)).map(({ start, end }) => {
        const bytes = Buffer.alloc(end - start)
        this.#dirty.copyTo(bytes, start)
        return { start, bytes }
      })
    }
    this.#surviving?.cut(size, kept, mtime)
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

  /** There is an error that nobody has heard of yet. */
  get hasError(): boolean {
    return this.#error !== undefined
  }

  /** The error of a push that nobody has heard of yet, if there is one. */
  throwError(): void {
    const error = this.#error
    if (!error) return
    this.#error = undefined
    this.#remember()
    throw error
  }

  /**
   * Goes on where an earlier process has left off: what it was applying is applied
   * again, under the same ids, before anything else.
   */
  found({ pieces, batches, state }: FoundWrites): void {
    const open = new Set(pieces)
    for (const batch of batches) this.#foundBatch(batch, open)
    for (const piece of open) {
      this.#dirty.write(piece.offset, piece.bytes)
      this.#surviving?.foundOpen(piece)
    }
    if (state) this.#foundState(state)
    for (const { sequence, offset, bytes, mtime } of pieces) {
      this.#reports.foundWritten(offset + bytes.length, sequence > (state?.sequence ?? 0) ? mtime : undefined)
    }
    if (this.#dirty.hasOpen) this.#openSince = this.#options.clock.now()
    this.#changed()
  }

  #foundBatch(batch: PushedBatch, open: Set<WrittenPiece>): void {
    const extents: Extent[] = []
    for (const { start, bytes, pieces } of foundExtents(batch, open)) {
      if (!bytes) {
        this.#keep(new LeasefsError('IO', `some of what was written to inode ${this.#options.ino} was not left whole`))
        continue
      }
      this.#dirty.write(start, bytes)
      const sealed = this.#dirty.sealAll()
      for (const extent of sealed) this.#surviving?.foundSealed(extent, pieces)
      extents.push(...sealed)
    }
    const ids = batch.extents.map(({ id }) => id)
    this.#batches.add(extents, extents.length === ids.length ? { ids, key: batch.key } : undefined)
  }

  #foundState(state: InodeState): void {
    this.#surviving?.foundState()
    this.#reports.found(state)
    for (const index of state.unsynced) this.#unsynced.add(index)
    for (const usage of state.usages) this.#usages.note(usage.index, usage)
    if (state.error) this.#error = new LeasefsError(errorCodeOf(state.error.code), state.error.message)
  }

  /** Of what nobody has been told. Undefined: nothing. */
  get #state(): Omit<InodeState, 'sequence'> | undefined {
    const unsynced = [...new Set([...this.#unsynced, ...this.#syncing.flat()])]
    if (this.isClean && !this.#error && unsynced.length === 0) return undefined
    const error = this.#error && { code: this.#error.code, message: this.#error.message }
    return { ...this.#reports.state, unsynced, usages: this.#usages.untold, error }
  }

  #remember(): void {
    this.#surviving?.state(this.#state)
  }

  /** Someone uses the inode again. */
  used(): void {
    if (this.#unsynced.size > 0) this.#remember()
  }

  /** Nobody does any more: what is left to say of it is for no one. */
  unused(): void {
    this.#surviving?.forgetState()
  }

  pushBehind(): void {
    this.#pushOpen()
    this.#reports.report().catch(reason => this.#keep(reason))
  }

  /** Everything written so far has been applied or has failed, and has been reported. */
  async #settled(): Promise<void> {
    const { end } = this.#reports
    this.#pushOpen()
    await this.#batches.done()
    this.#reports.settledTo(end)
    await this.#reports.report()
  }

  #pushOpen(): void {
    this.#seal(this.#dirty.sealAll())
    this.#openSince = undefined
    this.#changed()
  }

  #seal(extents: readonly Extent[]): void {
    this.#surviving?.sealed(extents)
    this.#batches.add(extents)
  }

  async #apply(batch: QueuedBatch): Promise<void> {
    const { nextDataId } = this.#options
    this.#unsynced.add(batch.index)
    const ids = batch.found?.ids ?? batch.extents.map(nextDataId)
    const pushed = batch.found?.key ?? this.#surviving?.pushing(batch.extents, ids)
    await this.#applyAs(batch, ids)
    this.#settle(batch, pushed)
  }

  async #applyAs(batch: QueuedBatch, ids: readonly DataId[]): Promise<void> {
    const { ino, mutator } = this.#options
    try {
      const mutations = batch.extents.map((extent, i) => mutationOf(extent, ids[i] as DataId))
      const { pushed, usage } = await mutator.apply({ ino, index: batch.index, mutations })
      this.#usages.note(batch.index, usage)
      for (const extent of batch.extents) this.#reports.applied(endOf(extent))
      this.#reuse(batch, pushed)
    } catch (reason) {
      this.#keep(reason)
      this.#options.behind.lost(batch.extents.reduce((sum, { length }) => sum + length, 0))
    }
  }

  #settle(batch: QueuedBatch, pushed: string | undefined): void {
    for (const extent of batch.extents) {
      this.#dirty.settle(extent)
      this.#options.changed({ start: extent.start, end: endOf(extent) })
    }
    this.#surviving?.settled(batch.extents, pushed, this.#state)
    this.#batches.end(batch)
    this.#reports.forget()
    this.#changed()
  }

  /** Nobody reads a buffer any more once its bytes have been pushed and applied: reads of dirty data copy. */
  #reuse({ extents }: QueuedBatch, pushed: Promise<boolean>): void {
    pushed.then(ok => {
      if (ok) for (const { buffer } of extents) this.#options.behind.pool.give(buffer)
    })
  }

  #keep(reason: unknown): void {
    if (!(reason instanceof LeasefsError)) throw reason
    if (this.#error) return
    this.#error = reason
    this.#remember()
  }

  #changed(): void {
    const bytes = this.dirtyBytes
    const more = bytes - this.#bytesCounted
    this.#bytesCounted = bytes
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

function mutationOf({ start, length, buffer }: Extent, id: DataId): BatchMutation {
  const bytes = buffer.length === length ? buffer : buffer.subarray(0, length)
  return { kind: 'write', id, offset: start % chunkSize, bytes, crc32: crc32(bytes) }
}
