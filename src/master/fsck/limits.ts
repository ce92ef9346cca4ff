// Bounds of a check of the whole. None of them is part of the protocol.

import { MiB, second } from '../../base/units.js'

/** Findings that are kept and named; those beyond are counted. */
export const findingsMax = 10_000

/** How long a check works before it lets others work, and how many rows it reads between two looks at the clock. */
export const sliceMs = 4
export const sliceRows = 64

/** How often the asker hears how far the check is. */
export const progressMs = 200

/** How long a check waits for servers that are still saying what they hold. */
export const reportsWaitMs = 15 * second

/** Replicas that a server lists in one answer, about. */
export const listedAtOnce = 16_384

/** How long a server may take to list, and to verify one batch: its disk is busy. */
export const listTimeoutMs = 30 * second
export const verifyTimeoutMs = 120 * second

/** Chunks compared at once, and about how many bytes of each server are read for that. */
export const comparedAtOnceMax = 64
export const comparedBytesMax = 512 * MiB

/** Chunks whose replicas differ are looked at again, so often and in this distance, until they stand still. */
export const looksMax = 15
export const lookPauseMs = 200

/** How long a replica that master and server disagree on is given, before that is a finding. */
export const disagreementMs = 500

/** Looks at the state, each of which may uncover what the mends of the one before made visible. */
export const mendPassesMax = 5

/** How often replicas that are being repaired are looked at, and how long nothing may get better before that is given up. */
export const repairLookMs = 250
export const repairStallMs = 20 * second

/** Blocks of which a finding names the first. */
export const blocksNamedMax = 8
