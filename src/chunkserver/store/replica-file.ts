// One replica's open file: data, block checksums, and the header with version
// and dirty flag (layout: chunk-format.ts).
//
// Data and checksum cannot be written as one. So the checksums live in memory,
// and the file is marked dirty, durably, before its first change; checksums go
// to the file when it is closed or cleaned. After a crash a dirty file's
// checksums are computed from its data: what it holds is what was written, and
// levelling between replicas decides what is right.
//
// Invariants, while no claim on a block is held:
// - the block's data in the file match its checksum in memory;
// - blocks from the end of the replica on are zeros, and so are their checksums.

import { dirname } from 'node:path'
import type { Clock } from '../../base/clock.js'
import { syncDirectory } from '../../base/durable-file.js'
import { LeasefsError } from '../../base/errors.js'
import { checksumBlockSize } from '../../constants.js'
import { type ChunkHandle, handleText } from '../../wire/ids.js'
import { type BlockClaim, BlockLocks } from './block-locks.js'
import { blockRuns } from './block-map.js'
import { verifiedBytes } from './block-reads.js'
import { blockChecksum, blockChecksums } from './checksums.js'
import { blocksPerChunk, dataStart, encodeHeader } from './chunk-format.js'
import type { Inspected, StoredBytes, StoredChecksums, StoredExtents } from './chunk-store.js'
import type { DirectReads } from './direct-reads.js'
import {
  closeFile,
  type DiskFile,
  diskError,
  openFile,
  removeFile,
  syncFileData,
  truncateFile,
  writeAt,
  zeros,
} from './disk.js'
import { type BlockTable, emptyTable, loadTable, recomputeTable, saveTable } from './file-checksums.js'
import { HeaderWriter } from './header-writer.js'
import { type OldBlocks, oldBlock, oldEdges, readBlocks } from './old-blocks.js'
import type { HolePuncher } from './punch-hole.js'
import { newRecord, type ReplicaRecord } from './replica-record.js'
import { SharedSync } from './shared-sync.js'
import { damagedBlocks, readHead } from './verify-file.js'
import { writeZeros, zeroRuns } from './zero-blocks.js'

/** What the files of a store share. */
export interface FileContext {
  readonly clock: Clock
  /** Those whose header says dirty: kept by the files. */
  readonly dirty: Set<ReplicaRecord>
  readonly holes: Pick<HolePuncher, 'punch'>
  readonly direct: DirectReads
}

export class ReplicaFile {
  readonly record: ReplicaRecord
  readonly #file: DiskFile
  readonly #context: FileContext
  readonly #table: BlockTable
  readonly #locks = new BlockLocks()
  /** Changes of the replica. */
  #changes = 0
  /** Of what is written to the file, checksums included. */
  readonly #syncs = new SharedSync(() => this.#syncNow())
  readonly #header: HeaderWriter

  private constructor(file: DiskFile, record: ReplicaRecord, table: BlockTable, context: FileContext) {
    this.#file = file
    this.record = record
    this.#table = table
    this.#context = context
    this.#header = new HeaderWriter(file, record, context.dirty)
    this.#countAllocated()
    if (record.dirty) this.#syncs.wrote() // Who wrote it may not have synced it.
  }

  /** A new, empty file. @throws LeasefsError ALREADY_EXISTS, NO_SPACE, IO */
  static async create(path: string, handle: ChunkHandle, version: number, context: FileContext): Promise<ReplicaFile> {
    const file = await openFile(path, 'wx+')
    const record = newRecord(handle, version, context.clock.now())
    try {
      await writeAt(file, [encodeHeader(record)], 0)
    } catch (reason) {
      await closeFile(file)
      await removeFile(path)
      throw reason
    }
    context.dirty.add(record)
    return new ReplicaFile(file, record, emptyTable(), context)
  }

  /** @throws LeasefsError IO */
  static async open(path: string, record: ReplicaRecord, context: FileContext): Promise<ReplicaFile> {
    const file = await openFile(path, 'r+')
    try {
      const trusted = !record.dirty || record.checksumsSaved
      const table = trusted ? await loadTable(file, record.length) : emptyTable()
      if (!trusted) await recomputeTable(file, table, 0, record.length)
      return new ReplicaFile(file, record, table, context)
    } catch (reason) {
      await closeFile(file)
      throw reason
    }
  }

  /** As ChunkStore.read. */
  async read(offset: number, length: number): Promise<StoredBytes> {
    const claim = this.#claimBytes(offset, length, false)
    try {
      await this.#locks.ready(claim)
      const end = Math.min(offset + length, this.record.length)
      if (end <= offset) return { buffers: [], length: 0, crc32: 0 }
      const bytes = await readBlocks(this.#asItIs, claim.first, Math.floor((end - 1) / checksumBlockSize))
      return verifiedBytes(bytes, this.#table.checksums, claim.first, offset, end, this.#name)
    } finally {
      this.#locks.release(claim)
    }
  }

  /** As ChunkStore.write. */
  async write(offset: number, buffers: readonly Buffer[]): Promise<void> {
    const length = buffers.reduce((sum, buffer) => sum + buffer.length, 0)
    if (length === 0) return
    await this.#alone(this.#claimBytes(offset, length, true), () => this.#write(offset, buffers, length))
  }

  /** As ChunkStore.zero. */
  async zero(offset: number, length: number): Promise<void> {
    if (length === 0) return
    await this.#alone(this.#claimBytes(offset, length, true), async () => {
      const end = Math.min(offset + length, this.record.length)
      if (end <= offset) return
      const first = Math.ceil(offset / checksumBlockSize)
      const last = Math.floor(end / checksumBlockSize)
      const wholeEnd = end === this.record.length ? Math.ceil(end / checksumBlockSize) : last
      await this.#zeroWithin(first - 1, offset, Math.min(end, first * checksumBlockSize))
      if (wholeEnd === last)
        await this.#zeroWithin(last, Math.max(offset, first * checksumBlockSize, last * checksumBlockSize), end)
      await this.#zeroBlocks(first, wholeEnd)
    })
  }

  /** As ChunkStore.allocate. */
  async allocate(offset: number, length: number): Promise<void> {
    if (length === 0) return
    const claim = this.#claimBytes(offset, length, true)
    await this.#alone(claim, async () => {
      const { stored } = this.#table
      const end = Math.max(this.record.length, offset + length)
      const holes = [...blockRuns(claim.first, claim.last + 1, index => !stored.has(index))]
      if (holes.length === 0 && end === this.record.length) return
      await this.#beginChange()
      await this.#change(claim.first, async () => {
        if (end > this.record.length) await truncateFile(this.#file, dataStart + end)
        for (const hole of holes) await writeZeros(this.#file, hole, end)
      })
      stored.add(claim.first, claim.last + 1)
      this.#grew(end)
    })
  }

  /** As ChunkStore.extents. */
  extents(): StoredExtents {
    const { length, allocatedBytes } = this.record
    return { blocks: this.#table.stored.toBuffer(), length, allocatedBytes: allocatedBytes ?? 0 }
  }

  /** As ChunkStore.checksums. */
  checksums(): StoredChecksums {
    const { length } = this.record
    const checksums = this.#table.checksums.slice(0, Math.ceil(length / checksumBlockSize))
    return { blocks: this.#table.stored.toBuffer(), length, checksums }
  }

  /** As ChunkStore.truncate. */
  async truncate(length: number): Promise<void> {
    await this.#alone(this.#locks.claim(0, blocksPerChunk - 1, true), async () => {
      const { checksums, stored } = this.#table
      const within = length % checksumBlockSize
      const index = (length - within) / checksumBlockSize
      const cut = length < this.record.length && within > 0 ? await oldBlock(this.#asItIs, index) : undefined
      await this.#beginChange()
      await this.#change(0, () => truncateFile(this.#file, dataStart + length))
      if (cut) checksums[index] = blockChecksum(cut.subarray(0, within))
      checksums.fill(0, Math.ceil(length / checksumBlockSize))
      stored.remove(Math.ceil(length / checksumBlockSize))
      this.record.length = length
      this.#countAllocated()
    })
  }

  /** As ChunkStore.setVersion. */
  async setVersion(version: number): Promise<void> {
    await this.#header.write({ version }, true)
    await this.#syncEntry()
  }

  /** As ChunkStore.sync. Those who ask while one is under way share the next. */
  sync(): Promise<void> {
    return this.#syncs.isDone ? this.#syncEntry() : this.#syncs.sync()
  }

  /**
   * Everything is on the disk, checksums included, and the file says so.
   * Nothing happens if it is changed meanwhile: it stays dirty.
   */
  async clean(): Promise<void> {
    if (!this.record.dirty) return
    const changes = this.#changes
    await this.saveChecksums()
    await this.sync()
    await this.#alone(this.#locks.claim(0, blocksPerChunk - 1, true), async () => {
      // Not synced: if this mark is lost, checksums are computed once more than needed.
      if (this.#changes === changes) await this.#header.write({ dirty: false }, false)
    })
  }

  /** Puts the checksums and the map of stored blocks into the file, for the next time it is opened by this process. */
  async saveChecksums(): Promise<void> {
    const changes = this.#changes
    await saveTable(this.#file, this.#table, this.record.length)
    this.#syncs.wrote()
    this.record.checksumsSaved = this.#changes === changes
  }

  /** As ChunkStore.verify. */
  async verify(first: number, end: number): Promise<readonly number[]> {
    const blocks = { first, end: Math.min(end, Math.ceil(this.record.length / checksumBlockSize)) }
    if (first >= blocks.end) return []
    const claim = this.#locks.claim(first, blocks.end - 1, false)
    try {
      await this.#locks.ready(claim)
      return await damagedBlocks(
        this.#context.direct,
        this.#file.path,
        this.record.length,
        this.#table.checksums,
        blocks,
      )
    } finally {
      this.#locks.release(claim)
    }
  }

  /** As ChunkStore.mend. Not marked dirty: torn by a crash, the block is as damaged as it was. */
  async mend(index: number, bytes: Buffer): Promise<boolean> {
    let mended = false
    await this.#alone(this.#locks.claim(index, index, true), async () => {
      const start = index * checksumBlockSize
      const length = Math.min(checksumBlockSize, this.record.length - start)
      if (bytes.length !== length || blockChecksum(bytes) !== this.#table.checksums[index]) return
      if (this.record.lost) throw new LeasefsError('IO', `the disk has lost writes to ${this.#name}`)
      this.#syncs.wrote()
      await writeAt(this.#file, [bytes], dataStart + start)
      mended = true
    })
    if (mended) await this.sync()
    return mended
  }

  /** As ChunkStore.inspect. What is in memory is right: it is what the data are verified against. */
  async inspect(): Promise<Inspected> {
    const claim = this.#locks.claim(0, blocksPerChunk - 1, true)
    try {
      await this.#locks.ready(claim)
      const look = () => readHead(this.#context.direct, this.#file, this.record, this.#table)
      const head = await this.#header.between(look)
      if (head === 'gone') return 'gone'
      if (!head.header) for (const _ of [0, 1]) await this.#header.write({}, true)
      if (!head.table) await this.saveChecksums()
      if (head.header && head.table) return 'good'
    } finally {
      this.#locks.release(claim)
    }
    await this.sync()
    return 'mended'
  }

  /** Waits for nothing: whoever closes it sees to it that it is not in use. @throws LeasefsError IO */
  async close(): Promise<void> {
    try {
      if (!this.record.checksumsSaved) await this.saveChecksums()
    } finally {
      await closeFile(this.#file)
    }
  }

  get #asItIs(): OldBlocks {
    return { file: this.#file, length: this.record.length, checksums: this.#table.checksums, name: this.#name }
  }

  get #name(): string {
    return `replica ${handleText(this.record.handle)}`
  }

  #claimBytes(offset: number, length: number, exclusive: boolean): BlockClaim {
    const last = Math.floor(Math.max(offset, offset + length - 1) / checksumBlockSize)
    return this.#locks.claim(Math.floor(offset / checksumBlockSize), last, exclusive)
  }

  /** Runs when the claim is granted, and gives it back. */
  async #alone(claim: BlockClaim, run: () => Promise<void>): Promise<void> {
    try {
      await this.#locks.ready(claim)
      await run()
    } finally {
      this.#locks.release(claim)
    }
  }

  /** Under a claim of its blocks. */
  async #write(offset: number, buffers: readonly Buffer[], length: number): Promise<void> {
    const first = Math.floor(offset / checksumBlockSize)
    const { head, tail } = await oldEdges(this.#asItIs, offset, offset + length)
    const checksums = blockChecksums(head, buffers, tail, length)
    await this.#beginChange()
    await this.#change(first, () => writeAt(this.#file, buffers, dataStart + offset))
    this.#table.checksums.set(checksums, first)
    this.#table.stored.add(first, first + checksums.length)
    this.#grew(offset + length)
  }

  /** Part of a block; a hole stays one. */
  async #zeroWithin(index: number, start: number, end: number): Promise<void> {
    if (start < end && this.#table.stored.has(index)) await this.#write(start, zeros(end - start), end - start)
  }

  /** Makes holes of them. They are zeros in the file too, as every hole is: a crash may cost the map. */
  async #zeroBlocks(first: number, end: number): Promise<void> {
    const { checksums, stored } = this.#table
    const runs = [...blockRuns(first, end, index => stored.has(index) || checksums[index] !== 0)]
    if (runs.length === 0) return
    await this.#beginChange()
    await this.#change(first, () => zeroRuns(this.#file, runs, this.record.length, this.#context.holes))
    checksums.fill(0, first, end)
    stored.remove(first, end)
    this.#countAllocated()
  }

  #grew(end: number): void {
    this.record.length = Math.max(this.record.length, end)
    this.#countAllocated()
  }

  #countAllocated(): void {
    this.record.allocatedBytes = this.#table.stored.allocatedBytes(this.record.length)
  }

  /** Marks the file dirty before its first change, durably. */
  async #beginChange(): Promise<void> {
    if (this.record.lost) throw new LeasefsError('IO', `the disk has lost writes to ${this.#name}`)
    if (!this.record.dirty) await this.#header.write({ dirty: true }, true)
  }

  /** If `run` fails, an unknown part of it has happened: the blocks from `first` on are taken as they are then. */
  async #change(first: number, run: () => Promise<void>): Promise<void> {
    this.#changes++
    this.#syncs.wrote()
    this.record.checksumsSaved = false
    this.record.changedAt = this.#context.clock.now()
    try {
      await run()
    } catch (reason) {
      await this.#takeAsIs(first)
      throw reason
    }
  }

  async #takeAsIs(first: number): Promise<void> {
    try {
      this.record.length = await recomputeTable(this.#file, this.#table, first, undefined)
      this.#countAllocated()
    } catch {
      this.record.lost = true // The error that matters is the first one, and it is on its way.
    }
  }

  async #syncNow(): Promise<void> {
    if (this.record.lost) throw new LeasefsError('IO', `the disk has lost writes to ${this.#name}`)
    await syncFileData(this.#file).catch(reason => {
      this.record.lost = true
      throw reason
    })
    await this.#syncEntry()
  }

  async #syncEntry(): Promise<void> {
    if (this.record.entryDurable) return
    await syncDirectory(dirname(this.#file.path)).catch(reason => {
      throw diskError(this.#file.path, reason)
    })
    this.record.entryDurable = true
  }
}
