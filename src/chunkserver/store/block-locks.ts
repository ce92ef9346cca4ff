// Who may touch which blocks of a replica. A change has its blocks to itself,
// reads share theirs: so a reader never sees a block whose data is new and
// whose checksum is old. First come, first served: a stream of readers does
// not starve a writer.

/** A place in the queue. Give it back with release(). */
export interface BlockClaim {
  readonly first: number
  readonly last: number
  readonly exclusive: boolean
  /** Set while it waits. */
  wake?: (() => void) | undefined
}

export class BlockLocks {
  /** In order of arrival, those that wait included. */
  readonly #claims: BlockClaim[] = []

  /** Claims blocks first to last. Hold it from when ready() says so until release(). */
  claim(first: number, last: number, exclusive: boolean): BlockClaim {
    const claim: BlockClaim = { first, last, exclusive }
    this.#claims.push(claim)
    return claim
  }

  /** Undefined: the blocks are free now. Call it once, straight after claim(). */
  ready(claim: BlockClaim): Promise<void> | undefined {
    if (!this.#conflicts(claim, this.#claims.length - 1)) return undefined
    return new Promise(resolve => {
      claim.wake = resolve
    })
  }

  release(claim: BlockClaim): void {
    this.#claims.splice(this.#claims.indexOf(claim), 1)
    for (const [index, waiting] of this.#claims.entries()) {
      if (!waiting.wake || this.#conflicts(waiting, index)) continue
      waiting.wake()
      waiting.wake = undefined
    }
  }

  /** Whether one of the first `count` claims stands in the way. */
  #conflicts(claim: BlockClaim, count: number): boolean {
    for (let index = 0; index < count; index++) {
      const other = this.#claims[index] as BlockClaim
      if (!other.exclusive && !claim.exclusive) continue
      if (other.first <= claim.last && claim.first <= other.last) return true
    }
    return false
  }
}
