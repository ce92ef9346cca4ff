// The mutations a primary has given serial numbers, so that a retry finds its
// first attempt: under way, or done, under this lease or an earlier one.

import type { AppliedMutations } from './applied-mutations.js'
import type { CheckedMutation } from './checked.js'

export interface UnderWay {
  /** Resolves when every replica has applied it. @throws LeasefsError */
  readonly done: Promise<void>
}

type Named = Pick<CheckedMutation, 'id' | 'key'>

export class RememberedMutations {
  readonly #underWay = new Map<string, { readonly serial: number; readonly order: UnderWay }>()
  readonly #applied: AppliedMutations

  /** `applied` is what the primary's own replica has: when a lease begins, all replicas have the same. */
  constructor(applied: AppliedMutations) {
    this.#applied = applied
  }

  begin({ key }: Named, serial: number, order: UnderWay): void {
    this.#underWay.set(key, { serial, order })
  }

  /** Every replica has applied it. */
  complete({ id, key }: Named): void {
    const known = this.#underWay.get(key)
    if (!known) return
    this.#underWay.delete(key)
    // Anew: a client is told only now, and may not hear it.
    this.#applied.note(key, { id, serial: known.serial })
  }

  /** What is known of a mutation; `order` is absent once it is done. */
  find(key: string): { readonly serial: number; readonly order?: UnderWay } | undefined {
    const underWay = this.#underWay.get(key)
    if (underWay) return underWay
    const serial = this.#applied.serialOf(key)
    return serial === undefined ? undefined : { serial }
  }
}
