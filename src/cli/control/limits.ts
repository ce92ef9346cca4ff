// Bounds of the conversation with a mount on this host.

import { KiB, MiB, minute, second } from '../../base/units.js'

/** A question, with the line feed that ends it. */
export const questionBytesMax = 64

/** An answer, as it is taken by who asks. */
export const answerBytesMax = 1 * MiB

/** What of it is not read at once waits in the mount: beyond this who asks is left. */
export const answersUnreadBytesMax = 256 * KiB

/** Who asks one mount at the same time. */
export const askersMax = 16

/** A connection on which nothing is asked for so long is closed. */
export const askerIdleMs = 1 * minute

/** From a question to its answer: the mount has it at hand, so one that takes longer does not run. */
export const answerMsMax = 2 * second

/** Of the operations under way, as many are told: the oldest. */
export const operationsListedMax = 100

/** Of any text that another process tells us, as much is taken. */
export const textLengthMax = 4 * KiB

/** For the path that leads to a mount. */
export const pathTimeoutMs = 2 * second
