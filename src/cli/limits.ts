// How long the processes wait for one another.

import { hour, second } from '../base/units.js'

/** A daemon's end, from the signal on: for what is dirty to be flushed, and for calls under way. */
export const shutdownMs = 20 * second

/** For what must be taken away even then, before a process ends without having been stopped. */
export const abandonMs = 1 * second

/** A terminal's Ctrl-C may arrive twice (npm forwards it too): a second signal means "at once" only after this. */
export const secondSignalMs = 1 * second

/** From a daemon's start to "ready": long enough to replay a journal. */
export const readyTimeoutMs = 60 * second

/** A daemon ends itself within shutdownMs; one that does not is killed. */
export const stopTimeoutMs = shutdownMs + abandonMs + 2 * second

/** An answer to `status` or `locate`. */
export const askTimeoutMs = 5 * second

/** Pieces of a backup that are asked for before they have come: enough to keep the link and the disk busy. */
export const backupPiecesAhead = 4

/** `umount`: how long a mount that is in use is waited for, unless told otherwise, and between two tries. */
export const busyWaitDefaultMs = 10 * second
export const busyPauseMs = 0.2 * second

/** `umount`: how long the process of a mount may take to write what it holds. It bounds itself by shutdownMs. */
export const endWaitMs = shutdownMs + abandonMs + 2 * second

/** `umount`: a process that has nothing to write, and has not ended after this, is wanted by others. */
export const idleEndMs = 3 * second

/** `umount --force`: how long the process may take to end by itself, and after SIGKILL. */
export const forcedEndMs = 3 * second
export const killedEndMs = 5 * second

/** What has waited for less is no news to a person. */
export const waitShownMs = 0.5 * second

/** Of a master that is heard of all the time. */
export const silenceShownMs = 2 * second

/** Of what is under way in one mount, and of what is waited for, as much is shown. */
export const operationsShownMax = 20

/** Who uses a mount is told for so many processes. */
export const usersShownMax = 10

/** How often a command that watches what the master does looks again. */
export const progressPauseMs = 0.5 * second

/** A worker of a mount that has served so long did not die of what it began with. */
export const workerSteadyMs = 1 * second

/** Workers that die one after the other, each sooner than that: then the mount is given up. */
export const workerDeathsMax = 10

/** Before each but the first of them is replaced: doubled each time. */
export const workerPauseMsMin = 100
export const workerPauseMsMax = 2 * second

/** How long a worker goes on with what it has begun when it is to hand over. What is not done by then, the next does. */
export const handOverMs = 5 * second

/** How often it is looked whether a worker has died, though the system does not say that it is gone. */
export const lingeringPollMs = 500

/** How long a worker whose keeper was killed takes to leave in order: whoever killed it wants an end. */
export const lastWordsMs = 1 * second

/** How long a worker that goes on with a mount looks for the master: for as long as it takes. */
export const masterWaitMs = 24 * hour

/** For a worker's last steps, after shutdownMs: then it does not run at all, and is killed. */
export const workerEndMs = abandonMs + 0.5 * second
