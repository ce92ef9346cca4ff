// Chance comes in through this interface, so that a seed replays a whole run.

import { randomBytes, randomUUID } from 'node:crypto'

export interface Random {
  /** A number in [0, 1). */
  next(): number
  /** A version 4 UUID. */
  uuid(): string
}

export class SystemRandom implements Random {
  next(): number {
    return randomBytes(6).readUIntBE(0, 6) / 2 ** 48
  }

  uuid(): string {
    return randomUUID()
  }
}

/** The mulberry32 generator: small, fast, and the same sequence for the same seed everywhere. */
export class SeededRandom implements Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let x = this.#state
    x = Math.imul(x ^ (x >>> 15), x | 1)
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61)
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32
  }

  uuid(): string {
    const hex = Array.from({ length: 32 }, () => Math.floor(this.next() * 16).toString(16)).join('')
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20)}`
  }
}
