// How much is repaired, emptied and evened out at a time, and when. None of it
// is part of the protocol: a later master may choose others.

import { KiB, MiB, minute, second } from '../../../base/units.js'
import { serverLeaseMs } from '../../../constants.js'

/** A server that vanished usually comes back: chunks with more than one copy left wait so long for it. */
export const repairDelayMs = 60 * second

/** A server that said goodbye is being worked on: nothing is copied in its place for so long. */
export const maintenanceMs = 30 * minute

/** Who vanishes again within this time is not waited for anew. */
export const flapMs = 10 * minute

/** A chunk with more than one copy must have been below its goal for so long: by then a server that is silent is known to be. */
export const noticeMs = serverLeaseMs + 1 * second

/** Servers whose absence is remembered. */
export const absencesMax = 4096

/** How often work is looked for. */
export const stepMs = 200

/** Chunks looked at in one step: as a matter of routine, and when something has happened that may concern any of them. */
export const scanChunks = 500
export const scanChunksUrgent = 5_000

/** Chunks noted for a copy at once; others are found by a later scan. */
export const queuedMax = 200_000

/** Chunks tried in one step, most of which then wait for servers that are busy. */
export const triesPerStep = 64

/** A copy that failed is tried again after this, doubled each time, and that many failures are remembered. */
export const retryMinMs = 1 * second
export const retryMaxMs = 60 * second
export const retriesMax = 10_000

/** How long a copy may take in all: 64 MiB at a few hundred kilobytes a second. */
export const copyTimeoutMs = 5 * minute

/** A chunk with more replicas than its goal loses the surplus when it has been so for this long; how many at once. */
export const surplusDelayMs = 1 * minute
export const surplusNotedMax = 100_000
export const shrinksAtOnceMax = 8

/** Replicas of a server being emptied that are looked at in one step. */
export const drainScanMax = 2_500

/** Replicas of the fullest server looked at in one step to find one that may be moved. */
export const rebalanceScanMax = 500

/** What was moved counts as not yet visible in a server's free space for so long: its next measurements. */
export const rebalanceSettleMs = 2 * second

/** Use of servers within so many percent of the average is even, unless an operator says otherwise. */
export const rebalancePercentDefault = 5

/** Over which time the rate of copying is told. */
export const rateWindowMs = 10 * second

/** Room that a target must have beyond what it is to take. */
export const targetReserveBytes = 64 * MiB

/** What a chunk of which nothing is known is counted for. */
export const chunkBytesMin = 64 * KiB

/** Why replicas are copied. Each kind has limits of its own, so that none starves another, nor clients. */
export type Kind = 'repair' | 'drain' | 'rebalance'

export interface KindLimits {
  /** Copies under way to one server, from one server, and in the cluster. */
  readonly inMax: number
  readonly outMax: number
  readonly totalMax: number
  /** To one server, all its copies of this kind together. */
  readonly bytesPerSecond: number
}

export type Limits = Readonly<Record<Kind, KindLimits>>

export const limitsDefault: Limits = {
  repair: { inMax: 2, outMax: 4, totalMax: 64, bytesPerSecond: 64 * MiB },
  drain: { inMax: 1, outMax: 2, totalMax: 16, bytesPerSecond: 32 * MiB },
  rebalance: { inMax: 1, outMax: 1, totalMax: 4, bytesPerSecond: 16 * MiB },
}
