// The forwarding of the pushes of one inbound connection. Each inbound
// connection has its own connections to the next servers: a slow pusher blocks
// no one else's pushes, and when it goes, what it had half sent goes with it.

import assert from 'node:assert/strict'
import { LeasefsError } from '../base/errors.js'
import type { Trace } from '../base/trace.js'
import { addressText } from '../wire/address.js'
import type { PushFrame } from '../wire/frames.js'
import { dataIdText } from '../wire/ids.js'
import { forwardConnectionsMax, pushForwardTimeoutMs } from './limits.js'
import type { LinkOptions } from './link.js'
import { LinkPool } from './link-pool.js'
import { type PushFailure, PushLink } from './push-link.js'

/** One push on its way to the next server. */
export interface ForwardedPush {
  /** Passes bytes on. False: wait for the forwarder's `ready` before more. */
  write(bytes: Buffer): boolean
}

export class PushForwarder {
  readonly #links: LinkPool<PushLink>
  readonly #options: LinkOptions
  readonly #trace: Trace | undefined
  readonly #self: () => string
  /** Servers that did nothing for too long, and until when we believe that they still do nothing. */
  readonly #silent = new Map<string, { readonly until: number; readonly error: LeasefsError }>()

  /** `ready` is told when a push whose write() said false can go on. */
  constructor(options: LinkOptions, self: () => string, trace: Trace | undefined, ready: () => void) {
    this.#options = options
    this.#self = self
    this.#trace = trace
    this.#links = new LinkPool(forwardConnectionsMax, address => {
      const link = new PushLink(address, options)
      link.onReady = ready
      return link
    })
  }

  /**
   * Sends the head of `frame` on to the first server of its chain. `acked` is
   * called once, with the failure counted from that server.
   */
  begin(frame: PushFrame, acked: (failure: PushFailure | undefined) => void): ForwardedPush {
    const [next, ...rest] = frame.chain
    assert(next, 'there is someone to forward to')
    const name = addressText(next)
    try {
      this.#checkSilent(name)
      const link = this.#links.get(next)
      const push = { id: frame.id, length: frame.length, crc32: frame.crc32, rest }
      const begunAt = this.#options.clock.now()
      link.begin(push, [], failure => {
        const waitedMs = this.#options.clock.now() - begunAt
        if (link.closed && waitedMs >= pushForwardTimeoutMs / 2) this.#setSilent(name, link.closed)
        acked(failure)
      })
      return this.#forwarded(link, frame, name)
    } catch (reason) {
      if (!(reason instanceof LeasefsError)) throw reason
      acked({ position: 0, error: reason })
      return { write: () => true }
    }
  }

  close(reason: LeasefsError): void {
    this.#links.close(reason)
  }

  #forwarded(link: PushLink, frame: PushFrame, to: string): ForwardedPush {
    let received = 0
    const left = () => {
      this.#trace?.('push.forward.first', {
        dataId: dataIdText(frame.id),
        from: this.#self(),
        to,
        bytes: received,
        length: frame.length,
      })
    }
    return {
      write: bytes => {
        const first = received === 0
        received += bytes.length
        return link.write(bytes, first && this.#trace ? left : undefined)
      },
    }
  }

  /** A server that did nothing a moment ago would cost each push after it the same wait. */
  #checkSilent(name: string): void {
    const silent = this.#silent.get(name)
    if (!silent) return
    if (this.#options.clock.now() < silent.until) throw silent.error
    this.#silent.delete(name)
  }

  #setSilent(name: string, error: LeasefsError): void {
    if (this.#silent.size >= forwardConnectionsMax) this.#silent.clear()
    this.#silent.set(name, { until: this.#options.clock.now() + pushForwardTimeoutMs, error })
  }
}
