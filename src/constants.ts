// The sizes and limits every process of a cluster must agree on. Changing one
// of these changes the wire or the disk format: raise `formatVersion` with it.
// What a single process may choose for itself lives in that process's options.

import assert from 'node:assert/strict'
import { KiB, MiB, minute, second, TiB } from './base/units.js'

/** Of data directories, frames and messages. */
export const formatVersion = 1

/** Large, so that a client asks the master rarely and its table of chunks stays small (GFS section 2.5). */
export const chunkSize = 64 * MiB

/**
 * The unit of verification: reading one byte verifies one whole block (GFS
 * section 5.2). Four pages: a random 4 KiB write re-reads 12 KiB, not 60.
 */
export const checksumBlockSize = 16 * KiB

/** Bytes of one push, and so of one write mutation. Also the most one read request may ask for. */
export const mutationSizeMax = 1 * MiB

/** Mutations that ride in one commit message. */
export const commitMutationsMax = 64

/** Replicas of one chunk, and so the length of a push chain. */
export const goalMax = 9
export const goalDefault = 3

/** A control message. Reports and listings are cut into several below this. */
export const messageSizeMax = 4 * MiB

/** How long a chunk lease lasts from its grant or extension (GFS section 3.1). */
export const leaseMs = 60 * second

/** How often a chunkserver renews its session with the master and extends the leases in use. */
export const heartbeatMs = 500

/** How long a chunkserver may serve after the moment it sent its last answered heartbeat. */
export const serverLeaseMs = 3 * second

/** How long a client session outlives its stream: a mount that comes back in time keeps its open files. */
export const sessionMs = 60 * second

/** Inodes that a client session closes in one operation. */
export const closesAtOnceMax = 64

/** How long a client may use what it cached after the moment it sent its last answered ping. */
export const clientLeaseMs = 3 * second

export const nameLengthMax = 255
export const pathLengthMax = 4095
export const symlinkTargetLengthMax = 4095
export const linkCountMax = 65_000
export const xattrNameLengthMax = 255
export const xattrValueLengthMax = 64 * KiB
export const xattrTotalLengthMax = 128 * KiB

/** Chunks of one file are counted in 20 bits, so a file ends here. */
export const chunkIndexMax = 2 ** 20 - 1
export const fileSizeMax = (chunkIndexMax + 1) * chunkSize

/** The inode of the root directory, as FUSE wants it. */
export const rootIno = 1

/**
 * The inode of the trash, which has an entry in no directory: mounts show it as `.trash` in their root. The largest
 * number that libfuse 2 can show; no other inode gets it.
 */
export const trashIno = 2 ** 32 - 1

assert(chunkSize % checksumBlockSize === 0)
assert(mutationSizeMax % checksumBlockSize === 0)
assert(chunkSize % mutationSizeMax === 0)
assert(fileSizeMax === 64 * TiB)
assert(Number.isSafeInteger(fileSizeMax))

// A pushed megabyte must fit a control message's neighbourhood: reads and writes never travel there.
assert(mutationSizeMax < messageSizeMax)

// A primary extends on its heartbeat, and a server renews on it: each needs several chances.
assert(serverLeaseMs >= 4 * heartbeatMs)
assert(leaseMs >= 4 * serverLeaseMs)
assert(leaseMs <= 10 * minute)

// The kernel's getxattr and listxattr take no more than this.
assert(xattrValueLengthMax <= 64 * KiB)
