// A primary's stream of applies, as its secondary serves it: each chunk's in
// the order they came, answered in that order.
//
// An apply that overtook the making of its replica, or a raise of its version,
// waits for that. While any is unanswered a sign of life is sent now and then:
// the primary must know who is slow from who is gone.

import type { Clock } from '../../base/clock.js'
import { LeasefsError } from '../../base/errors.js'
import type { Trace } from '../../base/trace.js'
import type { ControlStream } from '../../rpc/control-network.js'
import type { Apply, PrimaryToSecondary, SecondaryToPrimary } from '../../wire/gen/mutation.js'
import { type ChunkHandle, handleText } from '../../wire/ids.js'
import { InOrder } from '../in-order.js'
import { aliveMs, appliesHeldMax, replicaWaitMs } from '../limits.js'
import type { Replica } from '../replica.js'
import type { Replicas } from '../replicas.js'
import type { ServerLease } from '../server-lease.js'
import { type CheckedApply, checkApply } from './checked.js'
import { failureFields, failureOf } from './mutation-error.js'

export interface ApplyStreamOptions {
  readonly replicas: Replicas
  readonly serverLease: ServerLease
  readonly clock: Clock
  readonly trace: Trace | undefined
  /** @throws LeasefsError WRONG_CLUSTER, UNAVAILABLE (we do not know our own yet) */
  readonly checkCluster: (clusterId: string) => void
}

type Stream = ControlStream<SecondaryToPrimary, PrimaryToSecondary>

/** Serves the stream until it closes. */
export function serveApplies(stream: Stream, options: ApplyStreamOptions): void {
  const served = new ApplyStream(stream, options)
  stream.onMessage(message => served.receive(message))
}

class ApplyStream {
  readonly #stream: Stream
  readonly #options: ApplyStreamOptions
  readonly #admission = new InOrder<ChunkHandle>()
  readonly #answers = new InOrder<number>()
  /** Of the primary, once it has said hello. */
  #primary: string | undefined
  #held = 0
  #cancelAlive: (() => void) | undefined

  constructor(stream: Stream, options: ApplyStreamOptions) {
    this.#stream = stream
    this.#options = options
    stream.onClose(() => this.#cancelAlive?.())
  }

  receive({ message }: PrimaryToSecondary): void {
    try {
      if (message?.$case === 'apply' && this.#primary !== undefined) {
        this.#apply(message.value, this.#primary)
      } else if (message?.$case === 'hello') {
        this.#options.checkCluster(message.value.clusterId)
        this.#primary = message.value.serverId
      } else {
        throw new LeasefsError('INVALID_ARGUMENT', 'a stream of applies begins with a hello')
      }
    } catch (reason) {
      if (!(reason instanceof LeasefsError)) throw reason
      this.#stream.close(reason)
    }
  }

  #apply(apply: Apply, from: string): void {
    if (this.#options.trace) this.#traceReceived(apply, from)
    if (this.#held >= appliesHeldMax) throw new LeasefsError('UNAVAILABLE', `${appliesHeldMax} applies wait already`)
    if (this.#held++ === 0) this.#sayAlive()
    const outcome = this.#outcome(apply)
    this.#answers.run(apply.handle, async () => {
      const error = await outcome
      if (--this.#held === 0) this.#cancelAlive?.()
      const { handle, leaseId, firstSerial } = apply
      this.#stream.send({ applied: { handle, leaseId, firstSerial, ...failureFields(error) } })
    })
  }

  async #outcome(apply: Apply): Promise<LeasefsError | undefined> {
    try {
      const checked = checkApply(apply)
      // Wrapped, so that the next one is admitted when this one has its place, not when it is applied.
      const { applied } = await this.#admission.run(checked.handle, () => this.#admit(checked))
      return await applied
    } catch (reason) {
      return failureOf(reason)
    }
  }

  async #admit(apply: CheckedApply): Promise<{ applied: Promise<LeasefsError | undefined> }> {
    const replica = this.#ready(apply) ?? (await this.#readySoon(apply))
    const { serverLease, clock } = this.#options
    serverLease.check(clock.now())
    return { applied: replica.receive(apply) }
  }

  /** The replica, if it is of the apply's version. Undefined: it may be about to be. @throws LeasefsError STALE_VERSION, why it could not be made */
  #ready({ handle, version }: CheckedApply): Replica | undefined {
    const { replicas } = this.#options
    const replica = replicas.get(handle)
    const whyNotMade = replica ? undefined : replicas.whyNotMade(handle)
    if (whyNotMade) throw whyNotMade
    if (!replica || replica.version < version) return undefined
    if (replica.version === version) return replica
    const text = handleText(handle)
    throw new LeasefsError('STALE_VERSION', `chunk ${text} is at version ${replica.version}, the apply at ${version}`)
  }

  async #readySoon(apply: CheckedApply): Promise<Replica> {
    const { handle, version } = apply
    const replica = await this.#options.replicas.await(handle, replicaWaitMs, () => this.#ready(apply))
    if (replica) return replica
    throw new LeasefsError('NOT_FOUND', `no replica of chunk ${handleText(handle)} at version ${version} here`)
  }

  #sayAlive(): void {
    this.#cancelAlive = this.#options.clock.after(aliveMs, () => {
      this.#stream.send({ applied: undefined })
      this.#sayAlive()
    })
  }

  #traceReceived({ handle, version, leaseId, firstSerial, mutations }: Apply, from: string): void {
    for (const [index, { id }] of mutations.entries()) {
      const serial = firstSerial + index
      const dataId = `${id?.client}:${id?.counter}`
      this.#options.trace?.('apply.received', { handle: handleText(handle), version, leaseId, serial, dataId, from })
    }
  }
}
