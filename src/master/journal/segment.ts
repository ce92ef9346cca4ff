// One segment of the journal as a file: making it, reading its records in order,
// and telling a torn end from damage.

import fs from 'node:fs'
import { join } from 'node:path'
import { LeasefsError } from '../../base/errors.js'
import type { Logger } from '../../base/log.js'
import type { ClusterId } from '../../wire/ids.js'
import { guarded, syncDirectory } from './disk.js'
import type { JournalRecord } from './journal.js'
import {
  decodeRecord,
  decodeSegmentHeader,
  encodeSegmentHeader,
  recordHeaderLength,
  segmentFirstIndex,
  segmentHeaderLength,
  segmentName,
} from './journal-format.js'

export interface Segment {
  readonly path: string
  readonly firstIndex: number
}

/** The segment that is being written. */
export interface Tail {
  readonly file: number
  size: number
}

/** A segment's bytes, its header checked. @throws LeasefsError CORRUPT, NEWER_FORMAT, WRONG_CLUSTER, IO */
export function readSegment({ path, firstIndex }: Segment, clusterId: ClusterId): Buffer {
  const bytes = guarded(() => fs.readFileSync(path))
  const header = decodeSegmentHeader(bytes, path)
  if (header.clusterId !== clusterId) {
    throw new LeasefsError('WRONG_CLUSTER', `${path} belongs to cluster ${header.clusterId}, not ${clusterId}`)
  }
  if (header.firstIndex !== firstIndex) {
    throw new LeasefsError('CORRUPT', `${path} begins with record ${header.firstIndex}, not ${firstIndex}`)
  }
  return bytes
}

/** The segment's records up to its end or to the first bad one; returns where it stopped and the next index. */
export function* segmentRecords(
  bytes: Buffer,
  firstIndex: number,
): Generator<JournalRecord, { readonly end: number; readonly nextIndex: number }> {
  let end = segmentHeaderLength
  let index = firstIndex
  for (;;) {
    const record = decodeRecord(bytes, end)
    if (record?.index !== index) return { end, nextIndex: index }
    yield { index, payload: record.payload }
    end = record.end
    index++
  }
}

/** Where the segment's good records end, and from where on nothing says that they have been on the disk. */
function scan(bytes: Buffer, firstIndex: number): { end: number; nextIndex: number; unsyncedAt: number } {
  const unsynced: { index: number; at: number }[] = []
  let [end, nextIndex] = [segmentHeaderLength, firstIndex]
  for (;;) {
    const record = decodeRecord(bytes, end)
    if (record?.index !== nextIndex) return { end, nextIndex, unsyncedAt: unsynced[0]?.at ?? end }
    unsynced.push({ index: nextIndex, at: end })
    const firstAtRisk = unsynced.findIndex(({ index }) => index > record.synced)
    unsynced.splice(0, firstAtRisk)
    end = record.end
    nextIndex++
  }
}

/**
 * Whether the bad record at `offset`, which should be number `index`, was on
 * the disk once: a later record says so. Otherwise it is the torn end of what
 * was being written when the process or the machine stopped.
 */
export function wasSynced(bytes: Buffer, offset: number, index: number): boolean {
  for (let at = offset + 1; at + recordHeaderLength <= bytes.length; at++) {
    // The high half of a plausible index is nearly zero: the cheap test first.
    if (bytes.readUInt32LE(at + 12) >= 2 ** 21 || bytes.readUInt32LE(at) > bytes.length - at) continue
    const record = decodeRecord(bytes, at)
    if (record && record.index > index && record.synced >= index && record.synced < record.index) return true
  }
  return false
}

/** The segments in a directory, in order. */
export function segmentsIn(directory: string): Segment[] {
  return fs
    .readdirSync(directory)
    .sort()
    .flatMap(name => {
      const firstIndex = segmentFirstIndex(name)
      return firstIndex === undefined ? [] : [{ path: join(directory, name), firstIndex }]
    })
}

/** The same; what was being made when the process stopped is removed. */
export function listSegments(directory: string): Segment[] {
  for (const name of fs.readdirSync(directory)) if (name.endsWith('.new')) fs.rmSync(join(directory, name))
  return segmentsIn(directory)
}

/** Makes a segment that is there whole or not at all. */
export function createSegment(
  directory: string,
  clusterId: ClusterId,
  firstIndex: number,
): { segment: Segment; tail: Tail } {
  const path = join(directory, segmentName(firstIndex))
  const file = fs.openSync(`${path}.new`, 'w')
  try {
    fs.writeSync(file, encodeSegmentHeader({ firstIndex, clusterId }))
    fs.fsyncSync(file)
    fs.renameSync(`${path}.new`, path)
    syncDirectory(directory)
  } catch (reason) {
    fs.closeSync(file)
    fs.rmSync(`${path}.new`, { force: true })
    throw reason
  }
  return { segment: { path, firstIndex }, tail: { file, size: segmentHeaderLength } }
}

/**
 * Opens the last segment for appending, without its torn end if it has one.
 * Records up to `appliedIndex` are known to have been written whole.
 *
 * @throws LeasefsError CORRUPT if what is damaged had been written, or been on the disk
 */
export function openTail(
  segment: Segment,
  clusterId: ClusterId,
  appliedIndex: number,
  log: Logger,
): { tail: Tail; lastIndex: number } {
  const bytes = readSegment(segment, clusterId)
  const { end, nextIndex, unsyncedAt } = scan(bytes, segment.firstIndex)
  const file = fs.openSync(segment.path, 'r+')
  if (end < bytes.length) {
    if (nextIndex <= appliedIndex || wasSynced(bytes, end, nextIndex)) {
      fs.closeSync(file)
      throw damage(segment, end, nextIndex)
    }
    log.warn(
      { path: segment.path, offset: end, bytes: bytes.length - end, nextIndex },
      'the torn end of the journal is cut',
    )
    fs.ftruncateSync(file, end)
  }
  // After an fdatasync that failed the system may hold pages for clean that never reached the disk: they are written again.
  for (let at = unsyncedAt; at < end; ) at += fs.writeSync(file, bytes, at, end - at, at)
  fs.fsyncSync(file)
  return { tail: { file, size: end }, lastIndex: nextIndex - 1 }
}

/** What should be in `where` is not there. */
export function missing(where: string, first: number, last: number): LeasefsError {
  const records = first === last ? `record ${first} is` : `records ${first} to ${last} are`
  return new LeasefsError('CORRUPT', `${where}: ${records} missing`)
}

export function damage({ path }: Segment, offset: number, index: number): LeasefsError {
  return new LeasefsError('CORRUPT', `${path}: record ${index} at byte ${offset} is damaged`)
}
