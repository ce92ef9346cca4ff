// Waits and bounds of the trash. None of them is part of the protocol.

import assert from 'node:assert/strict'
import { GiB, KiB, MiB, minute, second } from '../../base/units.js'
import { freeBytesMin } from '../chunks/limits.js'

/** How long deleted files are kept, and how many. */
export const trashDefaultMs = 24 * 60 * minute
export const trashFilesMax = 1_000_000

/** How often files whose time is up are looked for, and how many records are spent on them each time. */
export const purgeMs = 1 * second
export const purgesPerStepMax = 8

/** A server that has less of its space free than this is nearly full: old files go before their time. */
export const reservedPart = 1 / 50
export const reservedBytesMin = 64 * MiB
export const reservedBytesMax = 4 * GiB

/** How long after a purge for want of space it shows what that brought: replicas are deleted, and servers say so. */
export const shortagePauseMs = 10 * second

/** Files in one answer to `leasefs trash ls`, how much their paths may take, and how many are looked at for them. */
export const listedFilesMax = 1024
export const listedPathBytesMax = 1024 * KiB
export const listScanMax = 2048

// Where there is too little room for a new chunk, the trash is being purged.
assert(reservedBytesMin > freeBytesMin)
