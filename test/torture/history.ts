// What was done to one thing that has one content at a time (a record in a
// file, a name), and whether what somebody reads can be so.
//
// Whoever reads must see the newest content, or one that is being written at
// the time: as if each write happened at one instant between its beginning and
// its acknowledgement. So a content is too old if another write began after it
// was acknowledged or had failed, and was acknowledged before the read began. What
// is not acknowledged yet may be on some replicas only, or in the writer's mount:
// one reader may see it before another.

export interface Write {
  readonly sequence: number
  readonly begun: number
  /** From when on it can't happen any more: it was acknowledged, or has failed. */
  happened: number
  /** Whether it must be there, rather than may. */
  acknowledged: boolean
}

export class History {
  readonly name: string
  readonly #now: () => number
  #writes: Write[] = []
  #sequence = 0

  /** @param now a clock that all share, in ms */
  constructor(name: string, now: () => number) {
    this.name = name
    this.#now = now
  }

  get hasAny(): boolean {
    return this.#writes.some(({ acknowledged }) => acknowledged)
  }

  begin(): Write {
    this.#sequence += 1
    const write = {
      sequence: this.#sequence,
      begun: this.#now(),
      happened: Number.POSITIVE_INFINITY,
      acknowledged: false,
    }
    this.#writes.push(write)
    return write
  }

  acknowledge(write: Write): void {
    write.acknowledged = true
    write.happened = Math.min(write.happened, this.#now())
  }

  /** It may have happened; if it has not by now, it must not any more. (If its writer was killed, it may until all has settled.) */
  fail(write: Write): void {
    write.happened = Math.min(write.happened, this.#now())
  }

  /**
   * What somebody has read, who began at `begun`.
   *
   * @throws Error if that can't be, saying why
   */
  see(sequence: number, begun: number): void {
    const seen = this.#writes.find(write => write.sequence === sequence)
    if (!seen) {
      if (sequence > this.#sequence || sequence < 1)
        throw new Error(`${this.name}: number ${sequence} was never written`)
      throw new Error(`${this.name}: number ${sequence} is long replaced, the newest is ${this.newest}`)
    }
    const newer = this.#writes.find(
      write => write.acknowledged && write.begun > seen.happened && write.happened < begun,
    )
    if (newer) {
      const ago = (begun - newer.happened).toFixed(0)
      throw new Error(`${this.name}: number ${sequence}, but ${newer.sequence} was acknowledged ${ago} ms before`)
    }
  }

  /** The highest number that was acknowledged. */
  get newest(): number {
    return Math.max(0, ...this.#writes.filter(({ acknowledged }) => acknowledged).map(({ sequence }) => sequence))
  }

  /** Nothing is under way, and this is what all see: whatever else was tried must not come up any more. */
  settle(sequence: number): void {
    this.#writes = this.#writes.filter(write => write.sequence === sequence)
    for (const write of this.#writes) write.acknowledged = true
  }
}
