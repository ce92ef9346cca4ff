// What one client, and all of them, may ask of the master.

import { second } from '../../base/units.js'

/** Sessions that have not ended. A further hello is refused. */
export const sessionsMax = 4096

/** Requests of one session that have not been answered. A further one is refused. */
export const requestsInFlightMax = 4096

/** How often an answer is looked for because what was found is out of date before it is sent. */
export const answerTriesMax = 8

/**
 * Inodes about which one session may have something cached. Beyond, the oldest
 * are taken back. More than the largest directory one is likely to list, or it would be taken back while it is read.
 */
export const cachedInosMax = 524_288

/** Inodes about which anyone may have something cached. Beyond, whoever asks for more has its oldest taken back. */
export const cachedInosTotalMax = 1_048_576

/** Inodes taken back at a time. */
export const recalledInosLength = 4096

/** How long a new stream may take to say who it is. */
export const helloMs = 10 * second

/** How long until the end of a session is tried again, when the journal did not take it. */
export const endRetryMs = 10 * second

/** Characters kept of what a client says of itself. */
export const descriptionLengthMax = 256
