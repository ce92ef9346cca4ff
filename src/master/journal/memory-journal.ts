// A Journal in memory, the twin for tests and simulation. It outlives the
// master that used it: opening it again is what a restart finds.

import type { Journal, JournalRecord } from './journal.js'

export class MemoryJournal implements Journal {
  readonly #payloads: Buffer[] = []

  /** Starts with the records of another journal, up to `lastIndex`: what a crash left of it. */
  static from(journal: Journal, lastIndex: number): MemoryJournal {
    const copy = new MemoryJournal()
    for (const { index, payload } of journal.read(1)) if (index <= lastIndex) copy.append([payload])
    return copy
  }

  get lastIndex(): number {
    return this.#payloads.length
  }

  append(payloads: readonly Buffer[]): void {
    for (const payload of payloads) this.#payloads.push(Buffer.from(payload))
  }

  async sync(): Promise<void> {}

  *read(first: number): Iterable<JournalRecord> {
    const end = this.lastIndex
    for (let index = Math.max(first, 1); index <= end; index++) {
      const payload = this.#payloads[index - 1]
      if (payload) yield { index, payload }
    }
  }

  async close(): Promise<void> {}
}
