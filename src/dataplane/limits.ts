// Waits and queues of the data plane. A process may differ from another in
// these; only pushForwardTimeoutMs should be about the same everywhere.

import { KiB, MiB, second } from '../base/units.js'

/**
 * How long a link of a push chain may make no progress. Who has k servers
 * before it waits k times as long, so that the one next to the fault is the one
 * that reports it.
 */
export const pushForwardTimeoutMs = 2 * second

/** A read connection on which nothing comes for so long is given up. */
export const readTimeoutMs = 5 * second

export const connectTimeoutMs = 2 * second

/** Bytes that wait in a pipe before its write() says false. */
export const pipeQueuedBytesMax = 1 * MiB

/** Of one piece in which the in-memory network delivers. */
export const pieceSizeMax = 64 * KiB
