// How many locks the master keeps, and how many requests may wait for one.

/** Of one inode: its list is one value of the state, written anew at each change. */
export const inodeLocksMax = 8192

/** Of one session on all inodes. */
export const sessionLocksMax = 65_536

/** Requests of all sessions that wait for a lock. */
export const lockWaitsMax = 65_536

/** Requests that wait for a lock of one inode: each is looked at whenever its locks change. */
export const inodeWaitsMax = 4096
