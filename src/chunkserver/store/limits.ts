// Limits of a store: of memory, of files, of work at once. None of them is part of the format.

import { KiB, MiB, second } from '../../base/units.js'

/** Replica files kept open, each with its checksums (16 KiB) and block map in memory. More are open only while they are in use. */
export const openFilesMax = 512

/** Directories read at once when a store is opened. */
export const scansAtOnceMax = 8

/** A replica that has not changed for so long is synced and marked clean. */
export const cleanIdleMs = 5 * second

/** How often idle replicas are looked for, and how many are cleaned each time. */
export const cleanIntervalMs = 1 * second
export const cleansAtATimeMax = 32

/** Replicas cleaned at once when a store closes. */
export const cleansAtOnceMax = 4

/** Bytes read at a time when checksums are computed anew. */
export const recomputeReadSize = 1 * MiB

/** From so many stored bytes on a hole's space is given back at once; what is less is written as zeros. */
export const punchBytesMin = 1 * MiB

/** Programs that give space back, at once, and how long one may take before zeros are written instead. */
export const punchesAtOnceMax = 4
export const punchTimeoutMs = 5 * second

/** Bytes written to see whether the disk takes any. */
export const probeSize = 64 * KiB

/** Strange files that are named in one answer. */
export const strangersMax = 1000
