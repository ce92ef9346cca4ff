// How long a client may use what it cached: until clientLeaseMs after it sent
// its last answered ping, by its own clock. The master waits at least so long
// before it answers a change whose invalidation we have not acknowledged, so a
// cache is never used after another client was told that the change is done.

import { pingsRememberedMax } from './limits.js'

export class ClientLease {
  #endsAt = 0
  #lastPing = 0
  readonly #sentAt = new Map<number, number>()

  /** A number for a ping (or a hello) that is sent now. */
  sent(now: number): number {
    const number = ++this.#lastPing
    this.#sentAt.set(number, now)
    if (this.#sentAt.size > pingsRememberedMax) this.#sentAt.delete(number - pingsRememberedMax)
    return number
  }

  /** The ping has been answered: the lease lasts `leaseMs` from when it was sent. */
  answered(number: number, leaseMs: number): void {
    const sentAt = this.#sentAt.get(number)
    if (sentAt === undefined) return
    this.#sentAt.delete(number)
    this.#endsAt = Math.max(this.#endsAt, sentAt + leaseMs)
  }

  inForce(now: number): boolean {
    return now < this.#endsAt
  }

  /** How much of it is left; 0 if it is over. */
  remainingMs(now: number): number {
    return Math.max(0, Math.floor(this.#endsAt - now))
  }

  /** It is over, and no ping sent before brings it back. */
  end(): void {
    this.#endsAt = 0
    this.#sentAt.clear()
  }
}
