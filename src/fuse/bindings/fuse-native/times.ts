// Times as fuse-native carries them: milliseconds in 64 bits.

import type { AttributeChanges, Timestamp } from '../../../client/file-system.js'

/**
 * What UTIME_NOW and UTIME_OMIT (2^30 - 1 and 2^30 - 2 nanoseconds, at second
 * 0) look like by then. The two can't be told from one another.
 */
const nowOrOmittedMs = 1073n

export function timestampOf(ms: bigint): Timestamp {
  const rest = ((ms % 1000n) + 1000n) % 1000n
  return { seconds: Number((ms - rest) / 1000n), nanos: Number(rest) * 1_000_000 }
}

/** The addon divides unsigned: a time before the epoch would come out far in the future. */
export function millisecondsOf({ seconds, nanos }: Timestamp): number {
  return Math.max(0, seconds * 1000 + Math.floor(nanos / 1_000_000))
}

/**
 * What utimens asks for. Where libfuse passes UTIME_NOW and UTIME_OMIT on: one
 * of them beside a time means that the other stays; two of them mean now, for
 * both, which is wrong for "touch -a" and "touch -m" without a date and right
 * for everything else.
 */
export function timeChanges(atimeMs: bigint, mtimeMs: bigint, partial: boolean): AttributeChanges {
  const atimeGiven = !partial || atimeMs !== nowOrOmittedMs
  const mtimeGiven = !partial || mtimeMs !== nowOrOmittedMs
  if (!atimeGiven && !mtimeGiven) return { atime: 'now', mtime: 'now' }
  return {
    ...(atimeGiven && { atime: timestampOf(atimeMs) }),
    ...(mtimeGiven && { mtime: timestampOf(mtimeMs) }),
  }
}
