// A map that survives the process: what one process has put, the next one
// finds, however the first ended. Where that lies is the caller's business
// (file-surviving-map.ts: a file that another process holds open).

export interface SurvivingEntry {
  readonly key: string
  /** Anything that JSON can say. */
  readonly value: unknown
  readonly bytes: Buffer
}

export interface SurvivingMap {
  /**
   * Sets `key`, and removes the keys that are `gone`, in one: the next process
   * finds all of that or nothing. When this returns it is done.
   */
  put(key: string, value: unknown, bytes?: readonly Buffer[], gone?: readonly string[]): void

  /** Removes keys. When this returns it is done. */
  remove(keys: readonly string[]): void

  /** Removes a key that does no harm if it is found all the same: soon, with something else. */
  forget(key: string): void

  /** What an earlier process has left, each key once, in no order to rely on. */
  readonly inherited: readonly SurvivingEntry[]

  /** Nobody needs `inherited` any more: its memory is let go. */
  dropInherited(): void
}

/** For those who have no one to come after them. */
export const nothingSurvives: SurvivingMap = {
  put() {},
  remove() {},
  forget() {},
  inherited: [],
  dropInherited() {},
}

/** In the memory of this process: for tests, which play the next one themselves. */
export class MemorySurvivingMap implements SurvivingMap {
  readonly #entries = new Map<string, SurvivingEntry>()
  #inherited: readonly SurvivingEntry[]

  constructor(inherited: readonly SurvivingEntry[] = []) {
    this.#inherited = inherited
    for (const entry of inherited) this.#entries.set(entry.key, entry)
  }

  put(key: string, value: unknown, bytes: readonly Buffer[] = [], gone: readonly string[] = []): void {
    this.remove(gone)
    this.#entries.set(key, { key, value: JSON.parse(JSON.stringify(value)), bytes: Buffer.concat(bytes) })
  }

  remove(keys: readonly string[]): void {
    for (const key of keys) this.#entries.delete(key)
  }

  forget(key: string): void {
    this.#entries.delete(key)
  }

  get inherited(): readonly SurvivingEntry[] {
    return this.#inherited
  }

  dropInherited(): void {
    this.#inherited = []
  }

  /** What the next process finds. */
  next(): MemorySurvivingMap {
    return new MemorySurvivingMap([...this.#entries.values()])
  }
}
