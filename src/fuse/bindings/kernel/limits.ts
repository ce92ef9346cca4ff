// How much the kernel binding takes on, and how long it waits.

import { KiB, MiB, second } from '../../../base/units.js'

/** Bytes of one READ or WRITE: 256 pages, the most that kernels give without being configured. */
export const requestBytesMax = 1 * MiB
export const pageSize = 4 * KiB

/** What a request has besides its data: two headers, and names. */
export const requestHeadMax = 16 * KiB

/** Requests with at least so much data stay in the buffer they were read into; others are copied out of it. */
export const copiedBytesMax = 32 * KiB

/** Buffers for large requests. While all are in use nothing more is read from the kernel, which keeps it in order. */
export const requestBuffersMax = 64

/** Reads of the device that wait in the kernel. */
export const readsOutstanding = 2

/** Requests of the kernel's own (read-ahead, O_DIRECT in pieces) that it has under way before it waits. */
export const maxBackground = 64
export const congestionThreshold = 48

/** How far the kernel reads ahead, where it lets itself be told. */
export const readAheadKiB = 4096

/** How long an interrupted caller goes on waiting for an operation that may be about to end. */
export const interruptGraceMs = 1 * second

/** Notifications of the kernel under way at once: each may wait for a lock and holds a thread. */
export const notificationsMax = 4

/** Names of one directory that the kernel is allowed to remember; of more it is to ask each time. */
export const namesPerDirectoryMax = 4096
/** Of all directories together: the kernel is told to forget those of the oldest. */
export const namesTotalMax = 200_000
