// The streams of this server to its secondaries, by where they are: a server
// that was started again elsewhere gets a new one.

import { LRUCache } from 'lru-cache'
import { LeasefsError } from '../../base/errors.js'
import { addressText } from '../../wire/address.js'
import type { Apply } from '../../wire/gen/mutation.js'
import type { ServerId } from '../../wire/ids.js'
import { goneServersMax } from '../limits.js'
import { type Answered, type LinkOptions, type SecondaryAddress, SecondaryLink } from './secondary-link.js'

export class SecondaryLinks {
  readonly #options: () => LinkOptions
  readonly #links = new Map<string, SecondaryLink>()
  /** Servers that the master has given up. The oldest is forgotten first. */
  readonly #gone = new LRUCache<ServerId, true>({ max: goneServersMax })

  /** `options` is asked when a stream is opened: the cluster id is known by then. */
  constructor(options: () => LinkOptions) {
    this.#options = options
  }

  /** Opens a stream if there is none. */
  send(secondary: SecondaryAddress, apply: Apply, answered: Answered): void {
    if (this.#gone.has(secondary.serverId)) {
      answered(goneError(secondary.serverId))
      return
    }
    const key = `${secondary.serverId} ${addressText(secondary.control)}`
    this.#link(key, secondary).send(apply, answered)
  }

  /** The master has given the server up: what it has not answered has failed. */
  serverGone(id: ServerId): void {
    this.#gone.set(id, true)
    for (const [key, link] of [...this.#links]) if (key.startsWith(`${id} `)) link.close(goneError(id))
  }

  /** The master names the server as one that applies. */
  serverThere(id: ServerId): void {
    this.#gone.delete(id)
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

function goneError(id: ServerId): LeasefsError {
  return new LeasefsError('UNAVAILABLE', `server ${id} is gone, says the master`)
}
