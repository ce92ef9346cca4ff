// One at a time for each key: what changes one chunk's version or lease, or
// makes chunks of one file, waits for what came before it. Each turn is
// bounded by its own waits, and so is the queue.

export class Turns<Key> {
  readonly #last = new Map<Key, Promise<void>>()

  /** Whether a turn of this key is under way. */
  busy(key: Key): boolean {
    return this.#last.has(key)
  }

  /** Resolves when the turns under way have ended. */
  async idle(): Promise<void> {
    await Promise.all(this.#last.values())
  }

  async take<T>(key: Key, run: () => Promise<T>): Promise<T> {
    const before = this.#last.get(key)
    const mine = before ? before.then(run) : run()
    // How a turn ends is for its caller to know; the next one only waits for it.
    const ended = mine.then(
      () => {},
      () => {},
    )
    this.#last.set(key, ended)
    try {
      return await mine
    } finally {
      if (this.#last.get(key) === ended) this.#last.delete(key)
    }
  }
}
