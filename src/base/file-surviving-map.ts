// A surviving map in a file that another process holds open: in memory (tmpfs)
// where there is such a place, since only processes die here, not machines.
//
// The file is a log in segments. Records go to the end of the newest segment;
// what is live of the oldest is written again there when the log has become much
// longer than what is live, and the segment is used anew. Only the oldest is
// ever given up: so a record that removes a key outlives every one that put it.
//
// A file that can't be written any more is emptied: the next process then finds
// nothing, which is better than something out of date.

import assert from 'node:assert/strict'
import { fstatSync, ftruncateSync, readSync, writeSync, writevSync } from 'node:fs'
import { LeasefsError } from './errors.js'
import type { Logger } from './log.js'
import type { SurvivingEntry, SurvivingMap } from './surviving-map.js'
import { decodeRecord, encodeRecord } from './surviving-record.js'
import { MiB } from './units.js'

export const segmentBytes = 4 * MiB

/** Segments beyond twice what is live, before the oldest is given up. */
const spareSegments = 2

/** The file never gets longer. */
const segmentsMaxDefault = 128

/** Segments that are free and stay in the file: beyond it the memory is given back. */
const freeSegmentsMax = 4

/** Keys that are forgotten before that is written by itself. */
const forgottenMax = 1024

/** Number of the segment's first record; 0: it is free. */
const segmentHeadBytes = 8

interface Segment {
  /** Its place in the file. */
  readonly index: number
  readonly keys: Set<string>
}

interface Place {
  readonly segment: Segment
  readonly at: number
  readonly length: number
}

export class FileSurvivingMap implements SurvivingMap {
  #inherited: readonly SurvivingEntry[]
  readonly #fd: number
  readonly #log: Logger
  readonly #segmentsMax: number
  readonly #places = new Map<string, Place>()
  /** Oldest first; the last is written to. */
  readonly #segments: Segment[] = []
  readonly #free: number[] = []
  #forgotten: string[] = []
  #at = 0
  #lastNumber = 0
  #liveBytes = 0
  #broken = false

  /** Finds what is in the file. One that can't be understood is emptied. */
  constructor(fd: number, log: Logger, segmentsMax = segmentsMaxDefault) {
    this.#fd = fd
    this.#log = log
    this.#segmentsMax = segmentsMax
    let inherited: readonly SurvivingEntry[] = []
    try {
      inherited = this.#read()
    } catch (reason) {
      log.error({ err: reason }, 'what an earlier process has left can not be used')
      this.#clear()
    }
    this.#inherited = inherited
  }

  get inherited(): readonly SurvivingEntry[] {
    return this.#inherited
  }

  dropInherited(): void {
    this.#inherited = []
  }

  /** Whether nothing that is put survives any more. */
  get isBroken(): boolean {
    return this.#broken
  }

  get liveBytes(): number {
    return this.#liveBytes
  }

  put(key: string, value: unknown, bytes: readonly Buffer[] = [], gone: readonly string[] = []): void {
    if (this.#broken) return
    this.#guarded(() => {
      this.#append(key, value, bytes, [...this.#forgotten, ...gone])
      this.#forgotten = []
      this.#tidy()
    })
  }

  remove(keys: readonly string[]): void {
    if (this.#broken || keys.length === 0) return
    this.#guarded(() => {
      this.#append(undefined, null, [], [...this.#forgotten, ...keys])
      this.#forgotten = []
      this.#tidy()
    })
  }

  forget(key: string): void {
    const place = this.#places.get(key)
    if (!place) return
    this.#drop(key, place)
    if (this.#forgotten.length < forgottenMax) this.#forgotten.push(key)
    else this.remove([key])
  }

  #guarded(run: () => void): void {
    try {
      run()
    } catch (reason) {
      if (!(reason instanceof LeasefsError) && (reason as NodeJS.ErrnoException).code === undefined) throw reason
      this.#log.error({ err: reason }, 'what is to survive this process can not be kept: it will not survive')
      this.#broken = true
      this.#clear()
    }
  }

  #append(key: string | undefined, value: unknown, bytes: readonly Buffer[], gone: readonly string[]): void {
    const number = this.#lastNumber + 1
    const { pieces, length } = encodeRecord({ number, key, value, gone }, bytes)
    assert(segmentHeadBytes + length <= segmentBytes)
    if (this.#segments.length === 0 || this.#at + length > segmentBytes) this.#beginSegment(number)
    const segment = this.#segments.at(-1) as Segment
    const written = writevSync(this.#fd, pieces, segment.index * segmentBytes + this.#at)
    if (written < length) throw new LeasefsError('NO_SPACE', `${written} of ${length} bytes could be written`)
    for (const each of gone) this.#drop(each)
    if (key !== undefined) {
      this.#drop(key)
      this.#places.set(key, { segment, at: this.#at, length })
      segment.keys.add(key)
      this.#liveBytes += length
    }
    this.#at += length
    this.#lastNumber = number
  }

  #drop(key: string, place = this.#places.get(key)): void {
    if (!place) return
    this.#places.delete(key)
    place.segment.keys.delete(key)
    this.#liveBytes -= place.length
  }

  #beginSegment(firstNumber: number): void {
    const index = this.#free.pop() ?? this.#segments.length
    if (index >= this.#segmentsMax) throw new LeasefsError('NO_SPACE', `${index} segments are in use`)
    this.#writeHead(index, firstNumber)
    this.#segments.push({ index, keys: new Set() })
    this.#at = segmentHeadBytes
  }

  #writeHead(index: number, firstNumber: number): void {
    const head = Buffer.alloc(segmentHeadBytes)
    head.writeBigUInt64LE(BigInt(firstNumber))
    writeSync(this.#fd, head, 0, head.length, index * segmentBytes)
  }

  /** Gives up the oldest segment if nothing in it is live, or the log has grown too long: then what is live moves. */
  #tidy(): void {
    const [oldest] = this.#segments
    if (!oldest || this.#segments.length === 1) return
    const wanted = Math.ceil((2 * this.#liveBytes) / segmentBytes) + spareSegments
    if (oldest.keys.size > 0 && this.#segments.length <= wanted) return
    for (const key of oldest.keys) {
      const { at, length } = this.#places.get(key) as Place
      const { record } = this.#readRecord(oldest, at, length)
      this.#append(key, record.value, [record.bytes], [])
    }
    this.#segments.shift()
    this.#writeHead(oldest.index, 0)
    this.#free.push(oldest.index)
    this.#free.sort((a, b) => b - a)
    if (this.#free.length > freeSegmentsMax) this.#shorten()
  }

  /** Gives back what is free at the end of the file. */
  #shorten(): void {
    const used = Math.max(...this.#segments.map(({ index }) => index)) + 1
    while ((this.#free[0] ?? -1) >= used) this.#free.shift()
    ftruncateSync(this.#fd, used * segmentBytes)
  }

  #readRecord(segment: Segment, at: number, length: number) {
    const bytes = Buffer.allocUnsafe(length)
    readSync(this.#fd, bytes, 0, length, segment.index * segmentBytes + at)
    const found = decodeRecord(bytes, 0, Number(bytes.readBigUInt64LE(16)))
    if (!found) throw new LeasefsError('CORRUPT', 'a record of this process has changed')
    return found
  }

  #clear(): void {
    ftruncateSync(this.#fd, 0)
    this.#segments.length = 0
    this.#free.length = 0
    this.#places.clear()
    this.#liveBytes = 0
  }

  #read(): SurvivingEntry[] {
    const entries = new Map<string, SurvivingEntry>()
    const count = Math.ceil(fstatSync(this.#fd).size / segmentBytes)
    const found: { index: number; first: number }[] = []
    for (let index = count - 1; index >= 0; index--) {
      const head = Buffer.alloc(segmentHeadBytes)
      readSync(this.#fd, head, 0, head.length, index * segmentBytes)
      const first = Number(head.readBigUInt64LE())
      if (first > 0) found.push({ index, first })
      else this.#free.push(index)
    }
    found.sort((a, b) => a.first - b.first)
    for (const { index, first } of found) {
      if (this.#segments.length > 0 && first !== this.#lastNumber + 1) {
        throw new LeasefsError('CORRUPT', `record ${this.#lastNumber + 1} is missing`)
      }
      this.#readSegment(index, first, entries)
    }
    return [...entries.values()]
  }

  #readSegment(index: number, first: number, entries: Map<string, SurvivingEntry>): void {
    const segment = { index, keys: new Set<string>() }
    this.#segments.push(segment)
    const bytes = Buffer.alloc(segmentBytes)
    readSync(this.#fd, bytes, 0, bytes.length, index * segmentBytes)
    this.#lastNumber = first - 1
    this.#at = segmentHeadBytes
    for (;;) {
      const found = decodeRecord(bytes, this.#at, this.#lastNumber + 1)
      if (!found) return
      const { record, length } = found
      for (const key of record.gone) {
        this.#drop(key)
        entries.delete(key)
      }
      if (record.key !== undefined) {
        this.#drop(record.key)
        this.#places.set(record.key, { segment, at: this.#at, length })
        segment.keys.add(record.key)
        this.#liveBytes += length
        entries.set(record.key, { key: record.key, value: record.value, bytes: Buffer.from(record.bytes) })
      }
      this.#at += length
      this.#lastNumber = record.number
    }
  }
}
