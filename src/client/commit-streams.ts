// Commits on their way: one stream to each primary, several commits under way
// on each, answered in any order. They leave in the order in which they were
// given; a stream that breaks fails what was under way on it, and the next
// commit opens another.

import type { Clock } from '../base/clock.js'
import { errorCodeOf, LeasefsError } from '../base/errors.js'
import type { Trace } from '../base/trace.js'
import type { ControlNetwork, ControlPeer, ControlStream } from '../rpc/control-network.js'
import { addressText } from '../wire/address.js'
import type { ChunkUsage } from '../wire/gen/common.js'
import type { ClientToPrimary, Commit, Committed, PrimaryToClient } from '../wire/gen/mutation.js'
import { ChunkserverService } from '../wire/gen/services.js'
import { type DataId, dataIdText, handleText, type SessionId } from '../wire/ids.js'
import { commitsInFlightMax, commitTimeoutMs } from './limits.js'
import type { ReplicaServer } from './locations.js'

export type CommitOutcome =
  | {
      readonly ok: true
      /** What the primary has stored of the chunk, if it says. */
      readonly usage?: ChunkUsage | undefined
    }
  | {
      readonly ok: false
      readonly error: LeasefsError
      /** With DATA_UNKNOWN: which. */
      readonly missing: readonly DataId[]
    }

export interface CommitStreamsOptions {
  readonly network: ControlNetwork
  readonly clock: Clock
  readonly session: { readonly id: SessionId; readonly clusterId: string }
  readonly trace?: Trace | undefined
}

export class CommitStreams {
  readonly #options: CommitStreamsOptions
  readonly #streams = new Map<string, CommitStream>()

  constructor(options: CommitStreamsOptions) {
    this.#options = options
  }

  /** Never rejects: UNAVAILABLE and TIMEOUT are outcomes too, and leave open whether the commit was done. */
  commit(primary: ReplicaServer, commit: Omit<Commit, 'number'>): Promise<CommitOutcome> {
    this.#options.trace?.('commit.sent', {
      handle: handleText(commit.handle),
      version: commit.version,
      to: primary.serverId,
      dataIds: commit.mutations.flatMap(({ id }) => (id ? [dataIdText(id)] : [])),
    })
    return this.#streamTo(primary).commit(commit)
  }

  /** Fails what is under way. */
  close(): void {
    for (const stream of [...this.#streams.values()]) stream.close()
  }

  #streamTo({ control }: ReplicaServer): CommitStream {
    const key = addressText(control)
    const known = this.#streams.get(key)
    if (known) return known
    const stream = new CommitStream(this.#options.network.connect(control), this.#options, () => {
      if (this.#streams.get(key) === stream) this.#streams.delete(key)
    })
    this.#streams.set(key, stream)
    return stream
  }
}

interface Pending {
  readonly commit: Omit<Commit, 'number'>
  readonly settle: (outcome: CommitOutcome) => void
}

class CommitStream {
  readonly #peer: ControlPeer
  readonly #stream: ControlStream<ClientToPrimary, PrimaryToClient>
  readonly #pending = new Map<number, Pending>()
  readonly #waiting: Pending[] = []
  readonly #clock: Clock
  #lastNumber = 0

  constructor(peer: ControlPeer, { session, clock }: CommitStreamsOptions, closed: () => void) {
    this.#peer = peer
    this.#clock = clock
    this.#stream = peer.open(ChunkserverService.mutate)
    this.#stream.send({
      message: { $case: 'hello', value: { clusterId: session.clusterId, sessionId: session.id } },
    })
    this.#stream.onMessage(({ committed }) => committed && this.#answered(committed))
    this.#stream.onClose(reason => {
      closed()
      peer.close()
      this.#failAll(reason)
    })
  }

  commit(commit: Omit<Commit, 'number'>): Promise<CommitOutcome> {
    return new Promise(resolve => {
      const late = () => settle(failed('TIMEOUT', `chunk ${handleText(commit.handle)}: no answer to a commit`))
      const cancelTimer = this.#clock.after(commitTimeoutMs, late)
      const settle = (outcome: CommitOutcome) => {
        cancelTimer()
        resolve(outcome)
      }
      this.#waiting.push({ commit, settle })
      this.#sendWaiting()
    })
  }

  close(): void {
    this.#stream.close()
    this.#peer.close()
  }

  #sendWaiting(): void {
    while (this.#pending.size < commitsInFlightMax) {
      const next = this.#waiting.shift()
      if (!next) return
      const number = ++this.#lastNumber
      this.#pending.set(number, next)
      this.#stream.send({ message: { $case: 'commit', value: { ...next.commit, number } } })
    }
  }

  #answered({ number, failure, missing, usage }: Committed): void {
    const pending = this.#pending.get(number)
    if (!pending) return
    this.#pending.delete(number)
    if (!failure) pending.settle({ ok: true, usage })
    else {
      const error = new LeasefsError(errorCodeOf(failure.code), failure.message)
      pending.settle({ ok: false, error, missing: missing as DataId[] })
    }
    this.#sendWaiting()
  }

  #failAll({ message }: LeasefsError): void {
    const all = [...this.#pending.values(), ...this.#waiting.splice(0)]
    this.#pending.clear()
    for (const { settle } of all) settle(failed('UNAVAILABLE', `lost the primary: ${message}`))
  }
}

function failed(code: 'UNAVAILABLE' | 'TIMEOUT', message: string): CommitOutcome {
  return { ok: false, error: new LeasefsError(code, message), missing: [] }
}
