// Tasks of one key, one after the other; those of different keys side by side.

export class InOrder<Key> {
  readonly #tails = new Map<Key, Promise<void>>()

  /** Keys with tasks that have not ended. */
  get size(): number {
    return this.#tails.size
  }

  /** Begins the task when those of its key before it have ended: at once, if there are none. */
  run<T>(key: Key, task: () => Promise<T>): Promise<T> {
    const before = this.#tails.get(key)
    const result = before ? before.then(task) : task()
    const tail: Promise<void> = result.then(
      () => this.#ended(key, tail),
      () => this.#ended(key, tail),
    )
    this.#tails.set(key, tail)
    return result
  }

  #ended(key: Key, tail: Promise<void>): void {
    if (this.#tails.get(key) === tail) this.#tails.delete(key)
  }
}
