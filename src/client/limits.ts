// How much a client holds and how long it waits. What a program may choose is
// in ClientOptions; these are its defaults, and the limits nobody needs to choose.

import assert from 'node:assert/strict'
import { KiB, MiB, minute, second } from '../base/units.js'
import { pushesUnderWayMax } from '../dataplane/limits.js'

/** Every operation ends within this: done, or with an error. Longer than any failure the cluster heals by itself. */
export const timeoutMsDefault = minute

/** How long connect() looks for the master. */
export const connectTimeoutMsDefault = 10 * second

/** Written and not yet applied by all replicas, over all files. Writers wait beyond it. */
export const dirtyBytesMaxDefault = 64 * MiB

/** Blocks read ahead and kept, over all files. */
export const readCacheBytesMaxDefault = 64 * MiB

/** How long written bytes may lie here before they are pushed. */
export const writeBehindMs = second

/** Push batches of one file that are under way at once. */
export const batchesInFlightMax = 8

/** Bytes of one batch of small mutations. */
export const batchBytesMax = 1 * MiB

/** Pushes under way, over all files: the data plane takes no more than pushesUnderWayMax on one connection. */
export const pushesInFlightMax = 192

/** Commits one primary has from us without having answered. */
export const commitsInFlightMax = 256

/** An attempt at a commit that takes longer is made again, elsewhere if the master says so. */
export const commitTimeoutMs = 15 * second

/** How long a replica may take to say which of its blocks are stored. */
export const extentsTimeoutMs = 5 * second

/** How often it is looked at what lies beyond the end of a file, when it changes meanwhile. */
export const tailAttemptsMax = 3

/** Bytes of one mutation that stores zeros: each must be done well within commitTimeoutMs. */
export const allocationBytesMax = 8 * MiB

/** Of what is waited for, as much is told to whoever asks: the oldest. */
export const waitsListedMax = 100

/** Pauses between attempts double from the first to the second of these. */
export const retryPauseMsMin = 10
export const retryPauseMsMax = 500

/** How long a read waits for a block that all replicas have damaged: what can be restored has been by then. */
export const damageWaitMs = 5 * second

/** Such blocks are kept in mind for so long when no read meets them. */
export const lostForgetMs = 1 * minute

/**
 * The same for chunks that were out of reach for too long: when reading ahead has failed the kernel asks for each page
 * by itself, at once. It gets one more try, for so long.
 */
export const absentForgetMs = 200
export const lastTryMs = 500

/** Blocks, and chunks, kept in mind. */
export const troublesMax = 1024

/** Requests the master has from us without having answered, and those that wait for their turn. */
export const requestsInFlightMax = 256
export const requestsWaitingMax = 16 * KiB

/** Locks that are waited for at once. The master is asked about each all the while. */
export const lockWaitsMax = 2048

/**
 * Requests after which a wait for a lock is asked for anew: while it is
 * unanswered, the master keeps what it answered to all after it.
 */
export const answersKeptMax = 10_000

/** Numbers of requests, and of data, that are taken at a time for those who come after this process. */
export const counterReserve = 10_000

/** How long whoever listens may take to drop what was invalidated, before the master hears that it was dropped. */
export const invalidationWaitMs = 50

/** Access times that the master has not been told of, and how many it is being told at once. */
export const accessTimesPendingMax = 10_000
export const accessTimesInFlightMax = 16

/** How long a client that leaves waits for the master to hear it. */
export const goodbyeMs = 1 * second

/** A session's stream on which nothing came for so long is taken for dead. */
export const streamSilentMs = 10 * second

/** Inodes and directory entries whose attributes and numbers are remembered. */
export const attributesCachedMax = 100_000
export const entriesCachedMax = 200_000
export const symlinksCachedMax = 10_000

/** Bytes of extended attributes that are remembered, and names of one inode. */
export const xattrBytesCachedMax = 16 * MiB
export const xattrsCachedPerInodeMax = 64

/** Entries of all directories that are remembered whole. */
export const listedEntriesCachedMax = 200_000

/** Files whose locations are remembered, and chunks of one file (64 MiB each). */
export const locatedFilesMax = 10_000
export const locatedChunksPerFileMax = 4096

/** Chunks one question for reading asks about. */
export const locateCountMax = 16

/** How much earlier than the master a lease is taken to end: the commit has yet to travel. */
export const leaseMarginMs = 500

/** Entries asked for in one page of a directory. */
export const directoryPageEntriesMax = 1000

/** Pages of one directory: a listing that does not end is an error. */
export const directoryPagesMax = 100_000

/** A listing during which the directory changed is begun again so often. */
export const listingAttemptsMax = 3

/** A server that failed a read is asked last for so long. */
export const suspectMs = 2 * second
export const suspectsMax = 256

/** The unit of what is read ahead and kept. */
export const readBlockSize = 256 * KiB

/** How far sequential reading runs ahead. */
export const readAheadBytesMax = 8 * MiB

/** Symbolic links followed in one path, as Linux has it. */
export const symlinksFollowedMax = 40

/** Pings that have been sent and not answered: an older one says nothing that a newer does not. */
export const pingsRememberedMax = 64

/** Buffers of 1 MiB kept for the next writes. */
export const buffersPooledMax = 32

/** A growing file's next chunk is located when the writer has come so near to it. */
export const locateAheadBytes = 8 * MiB

/** How long an inode that nobody here uses stays open at the master: it may be wanted again, and many are closed in one. */
export const closeDelayMs = 250

/** A close that the master could not journal is asked for again. */
export const closeRetryMs = 2 * second

/** Closes that wait for creates under way, before more creates wait for them. */
export const closesWaitingMax = 1024

/** Files that are not in use, and still open at the master or of which something that was read is kept. */
export const closedInodesMax = 1024

assert(pushesInFlightMax <= pushesUnderWayMax)
