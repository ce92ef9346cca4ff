// What this client knows of a file's size and time and the master does not yet:
// from the moment of a write until all replicas have applied it and the master
// has been told. A size is reported only when there are bytes all the way up to
// it, so that no reader sees a length whose bytes are not there.

import type { Clock } from '../base/clock.js'
import { LeasefsError } from '../base/errors.js'
import type { Ino } from '../wire/ids.js'
import { compareTimes, timestampOf } from './attributes.js'
import type { ChunkUsages } from './chunk-usages.js'
import type { Attributes, Timestamp } from './file-system.js'
import type { Metadata } from './metadata.js'

export interface SizeReportsOptions {
  readonly ino: Ino
  readonly metadata: Pick<Metadata, 'written'>
  readonly usages: ChunkUsages
  readonly clock: Clock
  /** Where the first byte at or beyond `offset` lies that is not applied yet; undefined if all are. */
  readonly pendingFrom: (offset: number) => number | undefined
  readonly allApplied: () => boolean
  /** `since` or what view() shows may have changed. */
  readonly changed: () => void
  /** What a next process would have to know has changed by itself. */
  readonly reported: () => void
}

export class SizeReports {
  readonly #options: SizeReportsOptions
  /** End of the last write that the master may not know of; 0 if it knows all. */
  #end = 0
  #appliedEnd = 0
  /** Up to here there is nothing that was never applied, whatever is under way. */
  #wholeEnd = 0
  #reportedSize = 0
  #since: number | undefined
  #mtime: Timestamp | undefined
  /** What the last report said. */
  #mtimeTold: Timestamp | undefined
  /** By a program, rather than by a write. */
  #mtimeIsSet = false
  #reporting: Promise<void> = Promise.resolve()
  #underWay = false

  constructor(options: SizeReportsOptions) {
    this.#options = options
  }

  /** Since when something applied waits to be reported. */
  get since(): number | undefined {
    return this.#since
  }

  /** The master knows of everything that has been applied. */
  get isDone(): boolean {
    return this.#since === undefined && !this.#underWay
  }

  /** The file is longer than the master has said it is, as far as we know. */
  get growsUntold(): boolean {
    return this.#end > this.#reportedSize
  }

  get end(): number {
    return this.#end
  }

  /** For a next process. */
  get state() {
    const waits = this.#since !== undefined || this.#underWay
    const ends = { end: this.#end, appliedEnd: this.#appliedEnd, wholeEnd: this.#wholeEnd }
    return { ...ends, reportedSize: this.#reportedSize, mtime: this.#mtime, waits }
  }

  /** What an earlier process knew. */
  found({ end, appliedEnd, wholeEnd, reportedSize, mtime, waits }: SizeReports['state']): void {
    this.#end = Math.max(this.#end, end)
    this.#appliedEnd = appliedEnd
    this.#wholeEnd = wholeEnd
    this.#reportedSize = reportedSize
    this.#mtime = mtime ?? this.#mtime
    if (waits) this.#since ??= this.#options.clock.now()
  }

  /** Bytes up to `end` were written by an earlier process, at this time, unless another was set since. */
  foundWritten(end: number, mtime: Timestamp | undefined): void {
    this.#mtime = mtime ?? this.#mtime
    this.#end = Math.max(this.#end, end)
  }

  /** When something was last written that the master may not know of. */
  get mtime(): Timestamp | undefined {
    return this.#mtime
  }

  /** What the master says, with what it can't know yet. */
  view(attributes: Attributes): Attributes {
    const mtime = this.#mtime
    if (this.#end <= attributes.size && !mtime) return attributes
    const ctime = mtime && compareTimes(mtime, attributes.ctime) > 0 ? mtime : attributes.ctime
    const size = Math.max(attributes.size, this.#end)
    return { ...attributes, size, mtime: mtime ?? attributes.mtime, ctime, unsettled: true }
  }

  /** Bytes up to `end` have been written, and not applied. */
  wrote(end: number): Timestamp {
    this.#mtime = timestampOf(this.#options.clock.wallNs())
    this.#mtimeIsSet = false
    this.#end = Math.max(this.#end, end)
    return this.#mtime
  }

  /** Another client has changed the file: whoever compares times is to see that, though ours is not the master's. */
  othersChanged(): void {
    if (this.#mtime && !this.#mtimeIsSet) this.#mtime = timestampOf(this.#options.clock.wallNs())
  }

  /** The file's time was set: a report of earlier writes must not undo that. */
  setMtime(mtime: Timestamp | 'now'): void {
    if (this.#mtime) this.#mtime = mtime === 'now' ? timestampOf(this.#options.clock.wallNs()) : mtime
    this.#mtimeIsSet = mtime !== 'now'
  }

  /** All replicas have applied bytes that end there. */
  applied(end: number): void {
    this.#appliedEnd = Math.max(this.#appliedEnd, end)
    this.#since ??= this.#options.clock.now()
  }

  /** Every write that began before has been applied or has failed: they went up to `end`. */
  settledTo(end: number): void {
    this.#wholeEnd = Math.max(this.#wholeEnd, Math.min(end, this.#appliedEnd))
  }

  /** The file ends at `size`; everything has been reported, or was cut off. The master sets the time of that. */
  cut(size: number): void {
    this.#mtime = undefined
    this.#end = 0
    this.#appliedEnd = Math.min(this.#appliedEnd, size)
    this.#wholeEnd = Math.min(this.#wholeEnd, size)
    this.#reportedSize = Math.min(this.#reportedSize, size)
  }

  /** With nothing dirty and nothing to report the master's word on the size is all there is. */
  forget(): void {
    if (this.isDone && this.#options.allApplied()) this.#end = 0
  }

  /**
   * Resolves when the master knows of everything that was applied before this
   * call. One report at a time.
   *
   * @throws LeasefsError what the master says to the last of them
   */
  report(): Promise<void> {
    this.#reporting = this.#reporting.catch(() => {}).then(() => this.#reportNow())
    return this.#reporting
  }

  /**
   * Each report of writes has a time of its own: a kernel elsewhere that has read
   * between two of them tells by the time that its pages are old.
   */
  #newMtime(): Timestamp | undefined {
    const isTold = this.#mtime !== undefined && this.#mtime === this.#mtimeTold
    if (isTold && !this.#mtimeIsSet) this.#mtime = timestampOf(this.#options.clock.wallNs())
    this.#mtimeTold = this.#mtime
    return this.#mtime
  }

  async #reportNow(): Promise<void> {
    const { ino, metadata, usages, clock, pendingFrom, allApplied, changed, reported } = this.#options
    const since = this.#since
    if (since === undefined) return
    const mtime = this.#newMtime()
    const size = Math.max(this.#wholeEnd, Math.min(this.#appliedEnd, pendingFrom(this.#reportedSize) ?? Infinity))
    this.#since = size < this.#appliedEnd ? clock.now() : undefined
    this.#underWay = true
    const usage = usages.take()
    try {
      const attributes = await metadata.written(ino, size, mtime, usage)
      this.#reportedSize = attributes.size
      if (this.#mtime === mtime && this.#since === undefined && allApplied()) this.#mtime = undefined
    } catch (reason) {
      usages.giveBack(usage)
      // An inode that is gone has no size that could be reported another time.
      this.#since = LeasefsError.from(reason).code === 'NOT_FOUND' ? undefined : since
      throw reason
    } finally {
      this.#underWay = false
      this.forget()
      changed()
      reported()
    }
  }
}
