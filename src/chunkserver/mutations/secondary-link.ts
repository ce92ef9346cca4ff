// The stream on which a primary sends applies to one secondary: one for all
// chunks they share, kept while there is work and a while after.
//
// Answers come in order for each chunk. A stream that closes, a secondary that
// falls silent or takes too long: everything unanswered has failed. Time is
// counted in ticks, so that a primary that was itself asleep blames no one.

import type { Clock } from '../../base/clock.js'
import { errorCodeOf, LeasefsError } from '../../base/errors.js'
import type { ControlNetwork, ControlPeer, ControlStream } from '../../rpc/control-network.js'
import { type Address, addressText } from '../../wire/address.js'
import type { Applied, Apply, PrimaryToSecondary, SecondaryToPrimary } from '../../wire/gen/mutation.js'
import { ChunkserverService } from '../../wire/gen/services.js'
import type { ServerId } from '../../wire/ids.js'
import { aliveMs, applyAgeMsMax, linkIdleMs, secondarySilenceMs } from '../limits.js'

export interface SecondaryAddress {
  readonly serverId: ServerId
  readonly control: Address
}

/** Called once for each apply: with the reason if it was not applied. */
export type Answered = (error: LeasefsError | undefined) => void

export interface LinkOptions {
  readonly network: ControlNetwork
  readonly clock: Clock
  readonly self: { readonly clusterId: string; readonly serverId: ServerId }
}

interface Pending {
  readonly leaseId: number
  readonly firstSerial: number
  readonly answered: Answered
  /** Ticks since it was sent. */
  ticks: number
}

export class SecondaryLink {
  readonly #options: LinkOptions
  readonly #secondary: SecondaryAddress
  readonly #peer: ControlPeer
  readonly #stream: ControlStream<PrimaryToSecondary, SecondaryToPrimary>
  /** By chunk, in the order they were sent. Chunks with none are left out. */
  readonly #pending = new Map<number, Pending[]>()
  readonly #closed: () => void
  #silentTicks = 0
  #cancelTick: () => void
  #open = true

  /** `closed` is called once, before what is unanswered is told. */
  constructor(options: LinkOptions, secondary: SecondaryAddress, closed: () => void) {
    const { network, clock, self } = options
    this.#options = options
    this.#secondary = secondary
    this.#closed = closed
    this.#peer = network.connect(secondary.control)
    this.#stream = this.#peer.open(ChunkserverService.applyMutations)
    this.#stream.onMessage(({ applied }) => this.#received(applied))
    this.#stream.onClose(reason => this.#end(reason))
    this.#stream.send({ message: { $case: 'hello', value: { ...self } } })
    this.#cancelTick = clock.after(aliveMs, () => this.#tick())
  }

  get isOpen(): boolean {
    return this.#open
  }

  send(apply: Apply, answered: Answered): void {
    const { handle, leaseId, firstSerial } = apply
    if (!this.#open) {
      answered(new LeasefsError('UNAVAILABLE', `no stream to ${this.#name}`))
      return
    }
    if (this.#pending.size === 0) this.#silentTicks = 0
    const pending = { leaseId, firstSerial, answered, ticks: 0 }
    const ofChunk = this.#pending.get(handle)
    if (ofChunk) ofChunk.push(pending)
    else this.#pending.set(handle, [pending])
    this.#stream.send({ message: { $case: 'apply', value: apply } })
  }

  /** `reason`: of the failure of what is unanswered. */
  close(reason = new LeasefsError('CANCELLED', `the stream to ${this.#name} was closed`)): void {
    this.#end(reason)
  }

  get #name(): string {
    return `server ${this.#secondary.serverId} at ${addressText(this.#secondary.control)}`
  }

  #received(applied: Applied | undefined): void {
    this.#silentTicks = 0
    if (!applied) return // A sign of life.
    const ofChunk = this.#pending.get(applied.handle)
    const pending = ofChunk?.[0]
    if (pending?.leaseId !== applied.leaseId || pending.firstSerial !== applied.firstSerial) {
      this.#end(new LeasefsError('INVALID_ARGUMENT', `${this.#name} answered what it was not asked`))
      return
    }
    ofChunk?.shift()
    if (ofChunk?.length === 0) this.#pending.delete(applied.handle)
    const { failure } = applied
    pending.answered(failure && new LeasefsError(errorCodeOf(failure.code), `${this.#name}: ${failure.message}`))
  }

  #tick(): void {
    if (!this.#open) return
    this.#cancelTick = this.#options.clock.after(aliveMs, () => this.#tick())
    this.#silentTicks++
    if (this.#pending.size === 0) {
      if (this.#silentTicks * aliveMs >= linkIdleMs) this.close()
      return
    }
    if (this.#silentTicks * aliveMs > secondarySilenceMs) {
      this.#tooSlow(`is silent for ${secondarySilenceMs} ms`)
    } else if ([...this.#pending.values()].some(([oldest]) => oldest && ++oldest.ticks * aliveMs > applyAgeMsMax)) {
      this.#tooSlow(`did not apply in ${applyAgeMsMax} ms`)
    }
  }

  #tooSlow(what: string): void {
    this.#end(new LeasefsError('TIMEOUT', `${this.#name} ${what}`))
  }

  #end(reason: LeasefsError): void {
    if (!this.#open) return
    this.#open = false
    this.#cancelTick()
    this.#closed()
    this.#stream.close(reason)
    this.#peer.close()
    const unanswered = [...this.#pending.values()].flat()
    this.#pending.clear()
    const lost = new LeasefsError(reason.code === 'TIMEOUT' ? 'TIMEOUT' : 'UNAVAILABLE', reason.message, {
      cause: reason,
    })
    for (const { answered } of unanswered) answered(lost)
  }
}
