// A Journal in memory, the twin for tests and simulation. It outlives the
// master that used it: opening it again is what a restart finds.

import type { LeasefsError } from '../../base/errors.js'
import type { Journal, JournalRecord } from './journal.js'
import { missing } from './segment.js'

export class MemoryJournal implements Journal {
  readonly #payloads: Buffer[] = []
  #firstIndex = 1

  /** Starts with the records of another journal, up to `lastIndex`: what a crash left of it. */
  static from(journal: Journal, lastIndex: number): MemoryJournal {
    const copy = new MemoryJournal()
    for (const { index, payload } of journal.read(1)) if (index <= lastIndex) copy.append([payload])
    return copy
  }

  get broken(): LeasefsError | undefined {
    return undefined
  }

  get firstIndex(): number {
    return this.#firstIndex
  }

  get lastIndex(): number {
    return this.#firstIndex + this.#payloads.length - 1
  }

  bytesAfter(index: number): number {
    return this.#payloads.slice(Math.max(0, index + 1 - this.#firstIndex)).reduce((sum, { length }) => sum + length, 0)
  }

  append(payloads: readonly Buffer[]): void {
    for (const payload of payloads) this.#payloads.push(Buffer.from(payload))
  }

  async sync(): Promise<void> {}

  *read(first: number): Iterable<JournalRecord> {
    const end = this.lastIndex
    if (first < this.#firstIndex) throw missing('the journal', first, this.#firstIndex - 1)
    for (let index = first; index <= end; index++) {
      const payload = this.#payloads[index - this.#firstIndex]
      if (payload) yield { index, payload }
    }
  }

  async roll(): Promise<void> {}

  discardThrough(index: number): void {
    const gone = this.#payloads.splice(0, Math.max(0, Math.min(index, this.lastIndex) + 1 - this.#firstIndex))
    this.#firstIndex += gone.length
  }

  async close(): Promise<void> {}
}
