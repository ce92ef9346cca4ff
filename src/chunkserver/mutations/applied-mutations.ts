// The mutations that a replica has applied lately, under whichever lease: a
// client that had no answer from one primary asks the next, which must know
// what is done. They go with the bytes: a replica that gets another's bytes gets
// its list, too, and never has a mutation in it that is not in the bytes.
// Bounded, and in memory.

import { type DataId, dataIdText } from '../../wire/ids.js'
import { appliedIdsMax } from '../limits.js'

export interface AppliedMutation {
  readonly id: DataId
  /** Under the lease of its time. */
  readonly serial: number
}

export class AppliedMutations {
  readonly #applied = new Map<string, AppliedMutation>()

  /** `key` is that of the id. The oldest is forgotten. */
  note(key: string, mutation: AppliedMutation): void {
    this.#applied.delete(key)
    this.#applied.set(key, mutation)
    if (this.#applied.size <= appliedIdsMax) return
    const [oldest] = this.#applied.keys()
    if (oldest !== undefined) this.#applied.delete(oldest)
  }

  serialOf(key: string): number | undefined {
    return this.#applied.get(key)?.serial
  }

  /** The oldest first. */
  list(): AppliedMutation[] {
    return [...this.#applied.values()]
  }

  /** The bytes are those of another replica from now on. */
  replace(applied: readonly AppliedMutation[]): void {
    this.#applied.clear()
    for (const mutation of applied) this.note(dataIdText(mutation.id), mutation)
  }
}
