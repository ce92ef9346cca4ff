// Numbers by inode number: a few bytes each for millions of inodes, whose
// numbers are dense in stretches.

const pageLength = 1024

type Numbers = Int32Array | Uint8Array

export class Sparse {
  readonly #pages = new Map<number, Numbers>()
  readonly #newPage: (length: number) => Numbers

  /** `flags`: a byte each instead of a signed 32-bit number. */
  constructor(kind: 'counts' | 'flags') {
    this.#newPage = length => (kind === 'counts' ? new Int32Array(length) : new Uint8Array(length))
  }

  /** 0 if nothing was set. */
  get(at: number): number {
    return this.#pages.get(Math.floor(at / pageLength))?.[at % pageLength] ?? 0
  }

  set(at: number, value: number): void {
    const number = Math.floor(at / pageLength)
    let page = this.#pages.get(number)
    if (!page) {
      page = this.#newPage(pageLength)
      this.#pages.set(number, page)
    }
    page[at % pageLength] = value
  }

  add(at: number, delta: number): void {
    this.set(at, this.get(at) + delta)
  }

  /** What is not 0, in the order of the pages' making. */
  *entries(): Iterable<[at: number, value: number]> {
    for (const [number, page] of this.#pages) {
      for (const [offset, value] of page.entries()) if (value !== 0) yield [number * pageLength + offset, value]
    }
  }
}
