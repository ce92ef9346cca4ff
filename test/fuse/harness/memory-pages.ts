// The bytes of a sparse file in memory, in pages; what was never written reads as zeros.

const pageSize = 16 * 1024

export class MemoryPages {
  readonly #pages = new Map<number, Buffer>()
  size = 0

  /** What is stored. */
  get bytes(): number {
    return this.#pages.size * pageSize
  }

  read(offset: number, length: number): Buffer[] {
    const end = Math.min(this.size, offset + length)
    const pieces: Buffer[] = []
    for (let at = offset; at < end; ) {
      const index = Math.floor(at / pageSize)
      const start = at - index * pageSize
      const count = Math.min(pageSize - start, end - at)
      const page = this.#pages.get(index)
      pieces.push(page ? Buffer.from(page.subarray(start, start + count)) : Buffer.alloc(count))
      at += count
    }
    return pieces
  }

  write(offset: number, data: Buffer): void {
    for (let done = 0; done < data.length; ) {
      const at = offset + done
      const index = Math.floor(at / pageSize)
      const start = at - index * pageSize
      const count = Math.min(pageSize - start, data.length - done)
      const page = this.#pages.get(index) ?? Buffer.alloc(pageSize)
      this.#pages.set(index, page)
      data.copy(page, start, done, done + count)
      done += count
    }
    this.size = Math.max(this.size, offset + data.length)
  }

  /** What is cut off reads as zeros when the file grows again. */
  truncate(size: number): void {
    if (size < this.size) {
      const last = Math.floor(size / pageSize)
      for (const index of [...this.#pages.keys()]) if (index > last) this.#pages.delete(index)
      this.#pages.get(last)?.fill(0, size - last * pageSize)
    }
    this.size = size
  }

  /** Whole pages are given back, of the others a part is overwritten. */
  zero(offset: number, length: number): void {
    const end = offset + length
    for (const [index, page] of this.#pages) {
      const start = index * pageSize
      if (start >= offset && start + pageSize <= end) this.#pages.delete(index)
      else if (start < end && start + pageSize > offset)
        page.fill(0, Math.max(0, offset - start), Math.min(pageSize, end - start))
    }
  }

  /** Pages are kept for what has none. */
  allocate(offset: number, length: number): void {
    for (let index = Math.floor(offset / pageSize); index * pageSize < offset + length; index++) {
      if (!this.#pages.has(index)) this.#pages.set(index, Buffer.alloc(pageSize))
    }
  }

  /** The end of the file counts as a hole. */
  seek(offset: number, what: 'data' | 'hole'): number | undefined {
    if (offset >= this.size) return undefined
    for (let at = offset; at < this.size; at = (Math.floor(at / pageSize) + 1) * pageSize) {
      if (this.#pages.has(Math.floor(at / pageSize)) === (what === 'data')) return at
    }
    return what === 'hole' ? this.size : undefined
  }
}
