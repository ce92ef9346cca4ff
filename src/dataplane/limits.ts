// Waits and queues of the data plane. A process may differ from another in
// these; only pushForwardTimeoutMs should be about the same everywhere.

import assert from 'node:assert/strict'
import { KiB, MiB, minute, second } from '../base/units.js'
import { mutationSizeMax } from '../constants.js'

/**
 * How long a link of a push chain may make no progress. Who has k servers
 * before it waits k times as long, so that the one next to the fault is the one
 * that reports it.
 */
export const pushForwardTimeoutMs = 1 * second

/** A push of which nothing more comes for so long is abandoned. */
export const pushIdleTimeoutMs = 30 * second

/** A connection on which reads wait and nothing comes for so long is given up. */
export const readTimeoutMs = 3 * second

export const connectTimeoutMs = 2 * second

/** How long a peer that was told goodbye may take to hang up. */
export const goodbyeMs = 1 * second

/** Connections nothing is asked on are closed after this. */
export const idleMs = 1 * minute

/** Bytes that wait in a pipe before its write() says false. */
export const pipeQueuedBytesMax = 1 * MiB

/** Of one piece in which the in-memory network delivers. */
export const pieceSizeMax = 64 * KiB

/** What one connection of a client may hold: sent and not acknowledged, or waiting to be sent. */
export const pushesUnderWayMax = 256
export const readsUnderWayMax = 1024

/** Connections of one client, of each kind. */
export const clientConnectionsMax = 256

/** Connections to one server, and the servers to which it forwards for one of them. */
export const serverConnectionsMax = 4096
export const forwardConnectionsMax = 64

/** Bytes that may wait to be forwarded before the pusher is held back. */
export const forwardQueuedBytesMax = 2 * mutationSizeMax

/** Reads of one connection that are served at once; the rest wait, unread, in the connection. */
export const readsAtOnceMax = 16

/** Reads of one connection wait while this much of earlier answers has not left. */
export const repliesQueuedBytesMax = 4 * mutationSizeMax

/** Pushes of one connection that have come whole and whose acknowledgement is awaited from the next. */
export const acksAwaitedMax = pushesUnderWayMax

assert(idleMs > readTimeoutMs)
assert(forwardQueuedBytesMax >= pipeQueuedBytesMax)
