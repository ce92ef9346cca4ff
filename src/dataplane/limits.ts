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

/** How long a connection may take to say hello, and a frame with its payload to come whole while it is being taken. */
export const helloMs = 10 * second
export const frameMs = 30 * second

/** How long answers may wait while their asker takes nothing; the second, when the others need their room. */
export const answersTakenMs = 30 * second
export const answersTakenMsMin = 3 * second

/** A connection on which nothing was asked for so long is closed by the server: its asker would have done so long before. */
export const silentMs = 5 * minute

/** How often a server looks at its connections for all of that. */
export const lookMs = 1 * second

/** A connection on which reads wait and nothing comes for so long is given up. */
export const readTimeoutMs = 3 * second

export const connectTimeoutMs = 2 * second

/** How long a peer that was told goodbye may take to hang up. */
export const goodbyeMs = 1 * second

/** Connections nothing is asked on are closed after this. */
export const idleMs = 1 * minute

/** Names of hosts that are looked up at once, on the four threads that also read and write files; and that wait for that. */
export const lookupsAtOnceMax = 2
export const lookupsWaitingMax = 64

/** Bytes that wait in a pipe before its write() says false. */
export const pipeQueuedBytesMax = 1 * MiB

/** Of one piece in which the in-memory network delivers. */
export const pieceSizeMax = 64 * KiB

/** What one connection of a client may hold: sent and not acknowledged, or waiting to be sent. */
export const pushesUnderWayMax = 256
export const readsUnderWayMax = 1024

/** Connections of one client, of each kind. */
export const clientConnectionsMax = 256

/**
 * Connections to one server: one more takes the place of the one on which nothing was asked for longest. And the servers
 * to which it forwards for one of them.
 */
export const serverConnectionsMax = 4096
export const forwardConnectionsMax = 64

/** Bytes that may wait to be forwarded before the pusher is held back. */
export const forwardQueuedBytesMax = 2 * mutationSizeMax

/** Reads of one connection that are served at once; the rest wait, unread, in the connection. */
export const readsAtOnceMax = 16

/** Reads of one connection wait while this much of earlier answers has not left. */
export const repliesQueuedBytesMax = 4 * mutationSizeMax

/** The same of all connections of a server together, with the reads that are under way. */
export const answersBytesMax = 256 * MiB

/** Pushes of one connection that have come whole and whose acknowledgement is awaited from the next. */
export const acksAwaitedMax = pushesUnderWayMax

assert(idleMs > readTimeoutMs)
assert(silentMs >= 2 * idleMs)
assert(answersTakenMsMin >= readTimeoutMs)
assert(answersBytesMax > 2 * readsAtOnceMax * mutationSizeMax)
assert(forwardQueuedBytesMax >= pipeQueuedBytesMax)
