// One link for each server, kept while it is good.

import { LeasefsError } from '../base/errors.js'
import { type Address, addressText } from '../wire/address.js'
import type { Link } from './link.js'

export class LinkPool<L extends Link> {
  /** The one used longest ago first. */
  readonly #links = new Map<string, L>()
  readonly #countMax: number
  readonly #open: (address: Address) => L

  constructor(countMax: number, open: (address: Address) => L) {
    this.#countMax = countMax
    this.#open = open
  }

  /**
   * The link to `address`, opened if there is none.
   *
   * @throws LeasefsError UNAVAILABLE: there are as many as may be, and all are busy
   */
  get(address: Address): L {
    const name = addressText(address)
    const link = this.#links.get(name) ?? this.#add(name, address)
    this.#links.delete(name)
    this.#links.set(name, link)
    return link
  }

  close(reason: LeasefsError): void {
    for (const link of [...this.#links.values()]) link.close(reason)
  }

  #add(name: string, address: Address): L {
    if (this.#links.size >= this.#countMax) this.#makeRoom()
    const link = this.#open(address)
    link.onClosed = () => {
      if (this.#links.get(name) === link) this.#links.delete(name)
    }
    return link
  }

  #makeRoom(): void {
    for (const link of this.#links.values()) {
      if (link.underWay > 0) continue
      link.close(new LeasefsError('CANCELLED', `connection to ${link.name} made room for another`))
      return
    }
    throw new LeasefsError('UNAVAILABLE', `${this.#countMax} data connections are busy`)
  }
}
