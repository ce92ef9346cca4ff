// The mutations a primary has given serial numbers, so that a retry finds its
// first attempt: under way, or done. Bounded: of those done the latest are
// kept, in the order in which they were done.

export interface UnderWay {
  /** Resolves when every replica has applied it. @throws LeasefsError */
  readonly done: Promise<void>
}

export class RememberedMutations {
  readonly #underWay = new Map<string, { readonly serial: number; readonly order: UnderWay }>()
  readonly #done = new Map<string, number>()
  readonly #doneMax: number

  constructor(doneMax: number) {
    this.#doneMax = doneMax
  }

  begin(key: string, serial: number, order: UnderWay): void {
    this.#underWay.set(key, { serial, order })
  }

  /** Every replica has applied it. */
  complete(key: string): void {
    const known = this.#underWay.get(key)
    if (!known) return
    this.#underWay.delete(key)
    this.#done.set(key, known.serial)
    if (this.#done.size <= this.#doneMax) return
    for (const [oldest] of this.#done) {
      this.#done.delete(oldest)
      return
    }
  }

  /** What is known of a mutation; `order` is absent once it is done. */
  find(key: string): { readonly serial: number; readonly order?: UnderWay } | undefined {
    const serial = this.#done.get(key)
    return serial === undefined ? this.#underWay.get(key) : { serial }
  }
}
