// Until when this server may serve at all, by its own clock (docs/PROTOCOL.md,
// "Leases"). Without it a server cut off from its master would go on serving
// replicas that have been left behind.
//
// The master counts from when it received a heartbeat; we count from when we
// sent it: we always stop first.

import { LeasefsError } from '../base/errors.js'

type State =
  | { readonly kind: 'none' }
  | { readonly kind: 'held'; readonly sentAt: number; readonly until: number }
  /** We are stopping, and will serve nothing any more. */
  | { readonly kind: 'given-up' }

export class ServerLease {
  #state: State = { kind: 'none' }

  /** The master has answered what we sent at `sentAt`. */
  acknowledged(sentAt: number, leaseMs: number): void {
    if (this.#state.kind === 'given-up') return
    if (this.#state.kind === 'held' && this.#state.sentAt >= sentAt) return
    this.#state = { kind: 'held', sentAt, until: sentAt + leaseMs }
  }

  /**
   * A moment that was not after the master sent what we have just received: it
   * had answered a message that we sent then. What lasts a time "from when this
   * was sent" is counted from here.
   */
  get acknowledgedSentAt(): number {
    return this.#state.kind === 'held' ? this.#state.sentAt : Number.NEGATIVE_INFINITY
  }

  giveUp(): void {
    this.#state = { kind: 'given-up' }
  }

  /** @throws LeasefsError UNAVAILABLE: we may not serve now */
  check(now: number): void {
    if (this.#state.kind === 'held' && now < this.#state.until) return
    const why = this.#state.kind === 'given-up' ? 'it is stopping' : 'it has lost touch with its master'
    throw new LeasefsError('UNAVAILABLE', `this server may not serve: ${why}`)
  }
}
