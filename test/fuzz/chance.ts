// What an attack chooses, from a seed.

import { SeededRandom } from '../../src/base/random.js'

/** Bytes are repeated beyond this: what matters is that they are many. */
const patternLength = 4096

export class Chance {
  readonly #random: SeededRandom

  constructor(seed: number) {
    this.#random = new SeededRandom(seed)
  }

  /** One of its own for something that runs at the same time. */
  split(): Chance {
    return new Chance(this.below(2 ** 32))
  }

  /** A whole number in [0, end). */
  below(end: number): number {
    return Math.floor(this.#random.next() * end)
  }

  between(first: number, last: number): number {
    return first + this.below(last - first + 1)
  }

  /** True in so many of a hundred. */
  percent(share: number): boolean {
    return this.#random.next() * 100 < share
  }

  pick<T>(list: readonly T[]): T {
    const one = list[this.below(list.length)]
    if (one === undefined) throw new Error('nothing to choose from')
    return one
  }

  bytes(length: number): Buffer {
    const pattern = Buffer.alloc(Math.min(length, patternLength))
    for (let i = 0; i < pattern.length; i++) pattern[i] = this.below(256)
    return length === pattern.length ? pattern : Buffer.alloc(length, pattern)
  }

  /** The same with some bits flipped, bytes put in, left out, or cut off. */
  mutate(bytes: Buffer): Buffer {
    let mutated = Buffer.from(bytes)
    for (let i = this.between(1, 4); i > 0; i--) {
      const at = this.below(mutated.length + 1)
      switch (this.below(4)) {
        case 0:
          if (at < mutated.length) mutated[at] = (mutated[at] ?? 0) ^ (1 << this.below(8))
          break
        case 1:
          mutated = Buffer.concat([mutated.subarray(0, at), this.bytes(this.between(1, 9)), mutated.subarray(at)])
          break
        case 2:
          mutated = Buffer.concat([mutated.subarray(0, at), mutated.subarray(at + this.between(1, 9))])
          break
        default:
          mutated = mutated.subarray(0, at)
      }
    }
    return mutated
  }
}
