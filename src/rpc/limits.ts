// Waits and queues of the control plane. A process may differ from another in
// these: none of them is part of the protocol.

import { KiB, MiB, second } from '../base/units.js'

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

/** Bytes a peer may send before it must wait for us to read. */
export const flowControlWindow = 1 * MiB

/** How long the end of a stream waits for what was sent before it. */
export const streamLingerMs = 1 * second

/** How long a server that closes waits for calls under way. */
export const serverCloseMs = 3 * second

/** Of an error as it travels: the rest is cut off. */
export const errorMessageLengthMax = 1 * KiB
