// Syncs of one file: those that are asked for while one is under way share the
// next, since that one covers what they are about.

export class SharedSync {
  readonly #sync: () => Promise<void>
  /** How much was written, and how much of it the last finished sync covers. */
  #writes = 0
  #synced = 0
  #running: Promise<void> | undefined
  #next: Promise<void> | undefined

  constructor(sync: () => Promise<void>) {
    this.#sync = sync
  }

  /** Something is being written: a sync that has begun may not cover it. */
  wrote(): void {
    this.#writes++
  }

  /** Nothing was written since the last sync began, and none is under way. */
  get isDone(): boolean {
    return this.#synced === this.#writes && !this.#running
  }

  /** Resolves when all that was written before is on the disk. */
  sync(): Promise<void> {
    this.#next ??= this.#syncAfter(this.#running)
    return this.#next
  }

  async #syncAfter(running: Promise<void> | undefined): Promise<void> {
    await running?.catch(() => {})
    this.#running = this.#next
    this.#next = undefined
    const writes = this.#writes
    try {
      await this.#sync()
      this.#synced = Math.max(this.#synced, writes)
    } finally {
      this.#running = undefined
    }
  }
}
