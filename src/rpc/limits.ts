// Waits and queues of the control plane. A process may differ from another in
// these: none of them is part of the protocol.

import assert from 'node:assert/strict'
import { KiB, MiB, minute, second } from '../base/units.js'

/** How long open() tries to reach a peer. */
export const connectTimeoutMs = 2 * second

/** Pause before a lost stream is opened again: doubles from the first to the second. */
export const reconnectPauseMinMs = 25
export const reconnectPauseMaxMs = 150

/** A connection that carries streams is asked for a sign of life this often, and given up when none comes. */
export const keepaliveMs = 2 * second
export const keepaliveTimeoutMs = 3 * second

/** What may wait in a stream for a slow peer, or for onMessage(). Each message counts for its size and `messageOverhead`. */
export const streamQueuedBytesMax = 64 * MiB
export const messageOverhead = 256

/** The same for all streams of a server. Beyond it, streams that have more than their share of it end, with their connection. */
export const serverQueuedBytesMax = 256 * MiB
export const streamShareBytes = 1 * MiB

/** Bytes a peer may send before it must wait for us to read. */
export const flowControlWindow = 1 * MiB

/** How long the end of a stream waits for what was sent before it. */
export const streamLingerMs = 1 * second

/** Connections to one server, and what may be under way on each of them. */
export const serverConnectionsMax = 10 * KiB
export const connectionStreamsMax = 64

/** A connection without a call or stream on it for so long is closed by the server. */
export const connectionIdleMs = 1 * minute

/** How long the first message of a call, and the rest of one that has begun, may take to come. */
export const messageMs = 10 * second

/** What a server holds of messages that have not come whole. Beyond it, calls that have more than their share of it end. */
export const requestBytesMax = 128 * MiB
export const callShareBytes = 64 * KiB

/** How often a server looks for calls that wait for their peer. */
export const lookMs = 1 * second

/** How long a peer may take to fetch what was sent on a stream before its end; then its connection ends. */
export const serverLingerMs = 10 * second

/** How long a server that closes waits for calls under way. */
export const serverCloseMs = 3 * second

/** Of an error as it travels: the rest is cut off. */
export const errorMessageLengthMax = 1 * KiB

assert(serverQueuedBytesMax >= 2 * streamQueuedBytesMax)
