// When snapshots are taken, and how many are kept.

import assert from 'node:assert/strict'
import { MiB, minute, second } from '../../base/units.js'

/** A snapshot is due when the journal has so much that is in none: what a rebuild of the state replays, at some 5 MB/s. */
export const journalBytesMin = 64 * MiB

/** A large state is copied less often: when the journal has grown by this part of it. */
export const journalPartOfState = 1 / 4

/** Two, so that one that turns out to be damaged can be done without. */
export const snapshotsKept = 2

/** How often it is looked whether one is due. */
export const lookMs = 2 * second

/** After one that failed. */
export const retryMs = 1 * minute

/** Stays free on the disk when a snapshot is taken: for the journal. */
export const freeBytesMin = 128 * MiB

/** The state is checked, copied and sent in pieces of this size; each has a checksum. */
export const blockSize = 1 * MiB

/** Backups that are being made at a time. */
export const backupsMax = 4

/** Pieces of a backup that may be asked for before they have come. */
export const backupWindow = 8

/** A backup of which nothing more is asked for is given up; the snapshot itself may take a while. */
export const backupIdleMs = 10 * minute

assert(snapshotsKept >= 2)
