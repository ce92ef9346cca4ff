// Locks, as fcntl(2) and flock(2) take them. Whether a descriptor may take one
// (open for reading, for writing) is the kernel's to check; what is given up
// when a descriptor is closed is in files.ts.

import type { FileSystem, Ino, Lock } from '../../client/file-system.js'

export class Locks {
  readonly #fileSystem: FileSystem

  constructor(fileSystem: FileSystem) {
    this.#fileSystem = fileSystem
  }

  /** F_GETLK: a lock of someone else that is in the way of this one. */
  find(ino: Ino, lock: Lock): Promise<Lock | undefined> {
    return this.#fileSystem.findLock(ino, lock)
  }

  /**
   * F_SETLK, F_SETLKW, flock(2). `signal` ends the wait of an interrupted caller.
   *
   * @throws LeasefsError WOULD_BLOCK (without `wait`), DEADLOCK, NO_LOCKS, INVALID_ARGUMENT; CANCELLED
   */
  set(ino: Ino, lock: Lock, options: { readonly wait: boolean; readonly signal?: AbortSignal }): Promise<void> {
    return this.#fileSystem.setLock(ino, lock, options)
  }

  /** F_UNLCK, LOCK_UN. Giving up what one does not hold is no error. */
  unlock(ino: Ino, range: Omit<Lock, 'type' | 'pid'>): Promise<void> {
    return this.#fileSystem.unlock(ino, range)
  }
}
