// Waits and bounds of the master's chunk room. None of them is part of the
// protocol: a later master may choose others.

import { KiB, MiB, minute, second } from '../../base/units.js'
import { heartbeatMs, serverLeaseMs } from '../../constants.js'

/** Chunks of one question for reading, and for writing (each may cost a new chunk). */
export const locateCountMax = 1024
export const locateForWriteCountMax = 64

/** With fewer replicas a chunk takes no writes, unless its goal is lower. */
export const minReplicasDefault = 1

/**
 * How long the lesser part of a chunk's replicas waits for the others before it goes on alone. When most of them
 * went at once they are probably being restarted, and whoever is left behind must be copied again.
 */
export const gatherMs = 2 * second

/** How long an answer waits for servers: for their leases to run out, for others to gather, and then to do their part. */
export const locateWaitMs = serverLeaseMs + gatherMs + 2 * second

/** Attempts at one lease: each leaves out a server that did not do its part. */
export const grantRoundsMax = 16

/** How long a command to a chunkserver may take: a sync of a disk that is busy. */
export const commandTimeoutMs = 2 * second

/** How long a server may take to make a replica level: all 64 MiB of it, from a server and to a disk that are busy. */
export const levelTimeoutMs = 30 * second

/** Chunks made level at once without anyone having asked for them. */
export const levelsAtOnceMax = 8

/** How long a new session may take to register. */
export const registerTimeoutMs = 10 * second

/** A server that takes longer over its full report is not waited for by others, and then is given up. */
export const reportPatienceMs = 30 * second
export const reportMsMax = 5 * minute

/** Reports of failed replicas of one primary that are being dealt with. */
export const failuresUnderWayMax = 4096

/** Commands of one session without an answer. */
export const commandsOutstandingMax = 64 * KiB

/** Chunkservers known at once, gone ones included. */
export const serversMax = 4096

/** Older incarnations remembered of one server: a copy of its data directory gives itself away by them. */
export const incarnationsKept = 16

/** Replicas of one server. 25 million are a petabyte and a half. */
export const replicasPerServerMax = 25_000_000

/** How often duties look at servers and leases. */
export const watchMs = heartbeatMs / 2

/** A duty that runs this much late was itself asleep: it concludes nothing from the silence of others. */
export const watchLateMs = 1 * second

/** A server whose session closed is asked this often whether its process is still there. */
export const probePauseMs = 250
export const probeTimeoutMs = 1 * second

/** Expired leases cleared at a time. */
export const expiredLeasesMax = 10_000

/** A server with less free space gets no new chunks. */
export const freeBytesMin = 16 * MiB

/** What a new chunk is counted for, until the server's next heartbeat says what it took. */
export const placedChunkBytes = 1 * MiB

/** How often replicas nobody wants are looked for, how many are looked at, and how many deletions it has under way. */
export const collectMs = 500
export const collectScanMax = 2_500
export const deletionsUnderWayMax = 1024

/** Replicas noted for deletion at once; others are found by a later scan. */
export const unwantedMax = 1_000_000

/** How long a replica that no file has waits for its deletion after it was first seen to be one. */
export const orphanDelayMs = 5 * minute

/** Replicas that clients could not read, remembered to be named last. */
export const badReplicasMax = 10_000

/** Damaged replicas that the master keeps in mind. */
export const damagedReplicasMax = 100_000

/** Replicas being restored at once, how many others each may ask, and the pause after an attempt that failed. */
export const mendsAtOnceMax = 16
export const mendSourcesMax = 8
export const mendPauseMs = 1 * second
export const mendPauseMsMax = 1 * minute

/** When the others still have other bytes than a damaged replica wants after so many attempts, it is made level with them. */
export const changedTriesMax = 3

/** Damaged chunks named in one answer to `leasefs status`. */
export const damagedListMax = 32

/** Chunks in one answer to `leasefs locate`. */
export const adminLocateCountMax = 4096

/** Chunks looked at between two breaths while status counts. */
export const statusSliceChunks = 10_000
