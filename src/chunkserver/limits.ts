// Limits of a chunkserver: memory, queues and waits. A process may differ from
// another in these, except where a relation below says otherwise.

import assert from 'node:assert/strict'
import { day, hour, KiB, MiB, minute, second } from '../base/units.js'
import { heartbeatMs, mutationSizeMax, serverLeaseMs } from '../constants.js'

/** Bytes of pushes: those that are coming, and those that wait for their commit. */
export const pushBufferBytesMax = 256 * MiB

/** Pushed data that nobody commits is dropped after this; earlier, oldest first, when room is needed. So are pushes that come slowly. */
export const pushHoldMs = 60 * second
export const pushHoldMinMs = 10 * second

/** What a push costs besides its bytes: without that, very many of a few bytes would take any amount of memory. */
export const pushOverheadBytes = 1 * KiB

/** How long a push waits for room: its sender soon takes us for dead. */
export const pushRoomWaitMs = 1 * second

/** Pushes that wait for room. */
export const pushesWaitingMax = 1024

/** Pieces of one push are joined when there are more: a peer that sends bytes one by one costs no more than others. */
export const pushPiecesMax = 256

/** How long a commit waits, at the primary, for the data it names. */
export const commitDataWaitMs = 10 * second

/** How long an apply waits, at a secondary, for the data it names. */
export const applyDataWaitMs = 10 * second

/** How long a commit that came before the grant, or an apply before its replica or version, waits for it. */
export const grantWaitMs = 1 * second
export const replicaWaitMs = 5 * second

/** New replicas that could not be made, and of which it is remembered why. */
export const notMadeMax = 1024

/** Commits of one client, applies of one primary, that are not answered yet. */
export const commitsHeldMax = 1024
export const appliesHeldMax = 16 * KiB

/** How long a commit may take. Its outcome is unknown then: a retry finds it again. Less than clients wait. */
export const commitAnswerMs = 12 * second

/** How often a secondary with work to do says that it is alive. */
export const aliveMs = 0.5 * second

/**
 * A secondary with work to do that says nothing for so long has failed. Counted in ticks of `aliveMs`, of which one more
 * may pass: so it is when its server lease would be over, too, if it were cut off from the master as well.
 */
export const secondarySilenceMs = 2.5 * second

/** A secondary that has not applied what it was sent so long ago has failed, whatever it says. */
export const applyAgeMsMax = 30 * second

/** Servers remembered that the master has given up. */
export const goneServersMax = 4096

/** How long we keep a stream to a secondary that has nothing to do. */
export const linkIdleMs = 1 * minute

/** Mutations that a replica remembers to have applied, so that a retry is not applied again. */
export const appliedIdsMax = 1024

/** Replicas without a lease and without work are forgotten (not deleted) when nothing came for so long. */
export const replicaIdleMs = 2 * minute

/** Bytes that stay free: a primary takes no growing write below this. */
export const spaceReserveBytes = 8 * MiB

/** A primary whose disk is full leaves the chunk to its secondaries if there are so many, and room for another replica elsewhere. */
export const secondariesToLeaveTo = 2

/** Reads served at once, and waiting for that. */
export const readsAtOnceMax = 64
export const readsWaitingMax = 4096

/** How long the master may take to answer that a replica failed: it may have to wait out a server lease. */
export const failureReportMs = 10 * second

/** Heartbeats that are not answered yet. */
export const heartbeatsOutstandingMax = 64

/** Pause before the report is repeated. */
export const failureReportPauseMs = 500

/** Replicas in one message of a report. */
export const reportReplicasMax = 4096

/** Leases that one heartbeat may extend; the rest wait for the next. */
export const extensionsMax = 16 * KiB

/** A master that does not answer heartbeats for so long is tried on a new stream. */
export const masterSilenceMs = 2 * second

/** How long a revoked lease waits for mutations under way: less than the master waits for the word. */
export const revokeDrainMs = 1.5 * second

/** How often expired leases and idle replicas are looked for, and the disk is asked for its space. */
export const sweepMs = heartbeatMs

/** How long a stop waits for mutations under way. */
export const drainMs = 5 * second

/** How often a replica is compared with its source: once to change it, once to see that it is level, and again for what was cut. */
export const levelPassesMax = 4

/** Reads of its source that one levelling has under way. */
export const levelReadsAtOnceMax = 4

/** Replicas being made from those of other servers at once. */
export const copiesAtOnceMax = 64

/** A replica that is copied while its source changes is compared again until a round had to fetch no more than this. */
export const copyPassesMax = 5
export const copyRemainderBytes = 4 * MiB

/** How long a server may take to say what a replica holds: after a crash it computes that from the data. */
export const blockChecksumsTimeoutMs = 10 * second

/** After a write that the disk refused: how soon it is tried again, up to how late if it fails again soon after it was well. */
export const diskProbeMs = 5 * second
export const diskProbeMsMax = 10 * minute
export const diskRelapseMs = 1 * hour

/** Passes of the scrubber begin no more often than this. */
export const scrubPassMs = 1 * day

/** How often it is saved how far the scrubber has come. */
export const scrubSaveMs = 1 * minute

/** Replicas that the scrubber takes up at a time. */
export const scrubBatchMax = 1024

/** While clients are served the scrubber waits, again and again, up to so many times; then it reads a piece all the same. */
export const scrubYieldMs = 50
export const scrubYieldsMax = 20

/** What the scrubber reads in a second unless it is told otherwise. */
export const scrubRateDefault = 4 * MiB

/** Replicas whose damage is remembered. */
export const damagedReplicasMax = 4096

/** Replicas looked through at once because a read of them failed. */
export const suspectsAtOnceMax = 16

/** Blocks of one replica that are restored at once, and replicas that are asked for them. */
export const mendsAtOnceMax = 4
export const mendSourcesMax = 64

/** What the master asks for a check: parts of a list, replicas of one question, questions at once, blocks named of a replica. */
export const listedPartsMax = 2 ** 16
export const verifyReplicasMax = 64
export const verifiedAtOnceMax = 8
export const badBlocksNamedMax = 64

// The largest pushes must not have the buffer to themselves.
assert(pushBufferBytesMax >= 16 * mutationSizeMax)
assert(pushHoldMinMs < pushHoldMs)
assert(commitDataWaitMs < commitAnswerMs)
// Who waits for data at a secondary is answered before its primary gives it up.
assert(applyDataWaitMs + replicaWaitMs < applyAgeMsMax)
assert(secondarySilenceMs >= 3 * aliveMs)
assert(secondarySilenceMs + aliveMs <= serverLeaseMs)
assert(masterSilenceMs >= 3 * heartbeatMs)

/** What was seen of the master is saved no more often than this, but when it starts and when this server stops. */
export const seenSaveMs = 1 * minute
