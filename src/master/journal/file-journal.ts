// The journal on disk: segments of records in one directory, appended to with
// one write(2) a batch (docs/FORMAT.md, "Journal").
//
// Invariants:
// - the records of all segments together are numbered densely;
// - every segment but the last is on the disk, whole;
// - after a failed append the file is as it was before; after a failed
//   fdatasync nothing more is appended, because the kernel may have dropped
//   what it could not write.

import assert from 'node:assert/strict'
import fs from 'node:fs'
import { join } from 'node:path'
import type { LeasefsError } from '../../base/errors.js'
import type { Logger } from '../../base/log.js'
import { MiB } from '../../base/units.js'
import type { ClusterId } from '../../wire/ids.js'
import { diskError, guarded, type JournalDisk, syncDirectory, systemDisk } from './disk.js'
import type { Journal, JournalRecord } from './journal.js'
import {
  encodeRecord,
  payloadLengthMax,
  recordHeaderLength,
  segmentHeaderLength,
  segmentName,
} from './journal-format.js'
import {
  createSegment,
  damage,
  listSegments,
  missing,
  openTail,
  readSegment,
  type Segment,
  segmentRecords,
  type Tail,
} from './segment.js'

/** A segment that has grown so large is followed by a new one. */
export const segmentSizeMax = 64 * MiB

export interface FileJournalOptions {
  readonly directory: string
  readonly clusterId: ClusterId
  readonly log: Logger
  /** The record at which a state stands that survived: a journal that ends before it is damaged. */
  readonly appliedIndex?: number
  readonly disk?: JournalDisk
  readonly segmentSizeMax?: number
}

/**
 * Opens the journal in `directory`, or makes an empty one. A torn end is cut and logged.
 *
 * @throws LeasefsError CORRUPT, NEWER_FORMAT, WRONG_CLUSTER, IO, NO_SPACE
 */
export function openFileJournal(options: FileJournalOptions): Journal {
  return guarded(() => {
    fs.mkdirSync(options.directory, { recursive: true })
    const segments = listSegments(options.directory)
    const last = segments.at(-1)
    if (last) {
      const { tail, lastIndex } = openTail(last, options.clusterId, options.appliedIndex ?? 0, options.log)
      return new FileJournal(options, segments, tail, lastIndex)
    }
    if (options.appliedIndex) throw missing(options.directory, 1, options.appliedIndex)
    const { segment, tail } = createSegment(options.directory, options.clusterId, 1)
    return new FileJournal(options, [segment], tail, 0)
  })
}

class FileJournal implements Journal {
  readonly #options: FileJournalOptions
  readonly #disk: JournalDisk
  readonly #segments: Segment[]
  #tail: Tail
  #lastIndex: number
  /** Everything up to here is on the disk. */
  #synced: number
  #syncing: Promise<void> | undefined
  #syncNext: Promise<void> | undefined
  /** Set when the journal must not be appended to any more. */
  #broken: LeasefsError | undefined
  #closed: Promise<void> | undefined

  constructor(options: FileJournalOptions, segments: Segment[], tail: Tail, lastIndex: number) {
    this.#options = options
    this.#disk = options.disk ?? systemDisk
    this.#segments = segments
    this.#tail = tail
    this.#lastIndex = lastIndex
    this.#synced = lastIndex
  }

  get broken(): LeasefsError | undefined {
    return this.#broken
  }

  get firstIndex(): number {
    return this.#segments[0]?.firstIndex ?? 1
  }

  get lastIndex(): number {
    return this.#lastIndex
  }

  bytesAfter(index: number): number {
    let bytes = this.#lastIndex > index ? this.#tail.size - segmentHeaderLength : 0
    for (const [at, { path }] of this.#segments.slice(0, -1).entries()) {
      const following = this.#segments[at + 1]?.firstIndex ?? 0
      if (following > index + 1) bytes += guarded(() => fs.statSync(path).size) - segmentHeaderLength
    }
    return bytes
  }

  append(payloads: readonly Buffer[]): void {
    assert(!this.#closed, 'the journal is closed')
    if (this.#broken) throw this.#broken
    if (payloads.length === 0) return
    if (this.#tail.size >= (this.#options.segmentSizeMax ?? segmentSizeMax)) guarded(() => this.#roll())

    const bytes = this.#encode(payloads)
    try {
      for (let done = 0; done < bytes.length; ) {
        done += this.#disk.write(this.#tail.file, bytes.subarray(done), this.#tail.size + done)
      }
    } catch (reason) {
      this.#cutBack()
      throw diskError(reason)
    }
    this.#tail.size += bytes.length
    this.#lastIndex += payloads.length
  }

  sync(): Promise<void> {
    if (this.#syncNext) return this.#syncNext
    if (!this.#syncing) return this.#sync()
    // One is under way and may have begun before our records: the next covers them.
    const after = this.#syncing.catch(() => {}) // Its own callers are told; the journal is broken for the next.
    this.#syncNext = after.then(() => {
      this.#syncNext = undefined
      return this.#sync()
    })
    return this.#syncNext
  }

  *read(first: number): Iterable<JournalRecord> {
    const end = this.#lastIndex
    let next = Math.max(first, 1)
    const segments = [...this.#segments]
    for (const [at, segment] of segments.entries()) {
      const following = segments[at + 1]?.firstIndex ?? end + 1
      if (following <= next || next > end) continue
      if (segment.firstIndex > next) throw missing(this.#options.directory, next, segment.firstIndex - 1)
      const bytes = readSegment(segment, this.#options.clusterId)
      const records = segmentRecords(bytes, segment.firstIndex)
      let step = records.next()
      for (; !step.done; step = records.next()) {
        if (step.value.index < next || step.value.index > end) continue
        yield step.value
        next = step.value.index + 1
      }
      if (next >= following) continue
      const { end: stop, nextIndex } = step.value
      throw stop < bytes.length ? damage(segment, stop, nextIndex) : missing(segment.path, nextIndex, following - 1)
    }
  }

  async roll(): Promise<void> {
    await this.sync()
    assert(!this.#closed, 'the journal is closed')
    if (this.#broken) throw this.#broken
    if (this.#tail.size > segmentHeaderLength) guarded(() => this.#roll())
  }

  discardThrough(index: number): void {
    guarded(() => {
      // The oldest first: what a crash leaves is without gaps.
      for (;;) {
        const [first, second] = this.#segments
        if (!first || !second || second.firstIndex > index + 1) return
        fs.rmSync(first.path, { force: true })
        syncDirectory(this.#options.directory)
        this.#segments.shift()
      }
    })
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    try {
      await this.sync()
    } finally {
      fs.closeSync(this.#tail.file)
    }
  }

  #encode(payloads: readonly Buffer[]): Buffer {
    const length = payloads.reduce((sum, payload) => sum + recordHeaderLength + payload.length, 0)
    const bytes = Buffer.allocUnsafe(length)
    let end = 0
    for (const [at, payload] of payloads.entries()) {
      assert(payload.length <= payloadLengthMax)
      end = encodeRecord(bytes, end, this.#lastIndex + 1 + at, this.#synced, payload)
    }
    assert(end === length)
    return bytes
  }

  async #sync(): Promise<void> {
    if (this.#broken) throw this.#broken
    const through = this.#lastIndex
    if (through === this.#synced) return
    this.#syncing = this.#disk.sync(this.#tail.file)
    try {
      await this.#syncing
      this.#synced = Math.max(this.#synced, through)
    } catch (reason) {
      this.#broken = diskError(reason)
      throw this.#broken
    } finally {
      this.#syncing = undefined
    }
  }

  /** Goes on in a new segment, when the old one is on the disk. */
  #roll(): void {
    const { file } = this.#tail
    if (this.#synced < this.#lastIndex) this.#unlessBroken(() => fs.fdatasyncSync(file))
    this.#synced = this.#lastIndex
    const { directory, clusterId } = this.#options
    const { segment, tail } = this.#unlessBroken(
      () => createSegment(directory, clusterId, this.#lastIndex + 1),
      // One that is there and not used would hide what is appended to the one before it.
      () => fs.existsSync(join(directory, segmentName(this.#lastIndex + 1))),
    )
    this.#segments.push(segment)
    this.#tail = tail
    const close = () => fs.closeSync(file)
    if (this.#syncing) this.#syncing.then(close, close)
    else close()
  }

  /** Runs `run`. If it fails, and `lasting` says so, nothing more is appended. */
  #unlessBroken<T>(run: () => T, lasting = () => true): T {
    try {
      return run()
    } catch (reason) {
      if (lasting()) this.#broken = diskError(reason)
      throw reason
    }
  }

  #cutBack(): void {
    try {
      this.#disk.truncate(this.#tail.file, this.#tail.size)
    } catch (reason) {
      this.#broken = diskError(reason)
    }
  }
}
