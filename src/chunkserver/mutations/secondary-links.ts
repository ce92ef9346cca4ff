// The streams of this server to its secondaries, by where they are: a server
// that was started again elsewhere gets a new one.

import { addressText } from '../../wire/address.js'
import type { Apply } from '../../wire/gen/mutation.js'
import { type Answered, type LinkOptions, type SecondaryAddress, SecondaryLink } from './secondary-link.js'

export class SecondaryLinks {
  readonly #options: () => LinkOptions
  readonly #links = new Map<string, SecondaryLink>()

  /** `options` is asked when a stream is opened: the cluster id is known by then. */
  constructor(options: () => LinkOptions) {
    this.#options = options
  }

  /** Opens a stream if there is none. */
  send(secondary: SecondaryAddress, apply: Apply, answered: Answered): void {
    const key = `${secondary.serverId} ${addressText(secondary.control)}`
    this.#link(key, secondary).send(apply, answered)
  }

  #link(key: string, secondary: SecondaryAddress): SecondaryLink {
    const known = this.#links.get(key)
    if (known?.isOpen) return known
    const link: SecondaryLink = new SecondaryLink(this.#options(), secondary, () => {
      if (this.#links.get(key) === link) this.#links.delete(key)
    })
    this.#links.set(key, link)
    return link
  }

  close(): void {
    for (const link of [...this.#links.values()]) link.close()
  }
}
