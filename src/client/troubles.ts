// What reads have met that may pass: since when. It is waited for once: not by
// each read anew, of which there may be many around one place.

import { LRUCache } from 'lru-cache'
import { troublesMax } from './limits.js'

export class Troubles {
  readonly #met = new LRUCache<string, { readonly first: number; readonly last: number }>({ max: troublesMax })
  readonly #forgetMs: number

  /** `forgetMs`: what no read has met for so long is new when one meets it. */
  constructor(forgetMs: number) {
    this.#forgetMs = forgetMs
  }

  /** A read that began at `began` has met it. Returns when one first did, unless no other has for long. */
  met(what: string, began: number, now: number): number {
    const first = this.#current(what, now) ?? began
    this.#met.set(what, { first, last: now })
    return first
  }

  /** Since when it has been met; undefined if it has not, or not for long. */
  since(what: string, now: number): number | undefined {
    return this.#met.size === 0 ? undefined : this.#current(what, now)
  }

  /** It has passed. */
  passed(what: string): void {
    if (this.#met.size > 0) this.#met.delete(what)
  }

  #current(what: string, now: number): number | undefined {
    const known = this.#met.get(what)
    return known && now - known.last < this.#forgetMs ? known.first : undefined
  }
}
