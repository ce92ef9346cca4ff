// Reports to the master that replicas failed, each waiting for its answer.

import type { Clock } from '../base/clock.js'
import { type Deferred, deferred } from '../base/deferred.js'
import { errorCodeOf, LeasefsError } from '../base/errors.js'
import type { ReplicasFailed, ReplicasFailedAck } from '../wire/gen/chunkserver.js'
import { failureReportMs } from './limits.js'
import type { FailureReport } from './replica.js'

interface Waiting {
  readonly answer: Deferred<ReplicasFailedAck>
  readonly cancel: () => void
}

export class FailureReports {
  readonly #clock: Clock
  readonly #waiting = new Map<number, Waiting>()
  #last = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** @throws LeasefsError what the master says; UNAVAILABLE: not sent, or the session was lost; TIMEOUT */
  async report(report: FailureReport, send: (message: ReplicasFailed) => boolean): Promise<ReplicasFailedAck> {
    const { handle, version, leaseId, reason } = report
    const number = ++this.#last
    const serverIds = [...report.serverIds]
    const sent = send({ number, handle, version, leaseId, serverIds, code: reason.code })
    if (!sent) throw new LeasefsError('UNAVAILABLE', 'there is no session with the master')
    const answer = deferred<ReplicasFailedAck>()
    const late = () => this.#take(number)?.answer.reject(new LeasefsError('TIMEOUT', 'the master did not answer'))
    this.#waiting.set(number, { answer, cancel: this.#clock.after(failureReportMs, late) })
    return await answer.promise
  }

  answered(ack: ReplicasFailedAck): void {
    const { failure } = ack
    const waiting = this.#take(ack.number)
    if (failure) waiting?.answer.reject(new LeasefsError(errorCodeOf(failure.code), failure.message))
    else waiting?.answer.resolve(ack)
  }

  /** The session is lost: what was sent may or may not have been done. */
  lost(reason: LeasefsError): void {
    for (const number of [...this.#waiting.keys()]) {
      this.#take(number)?.answer.reject(new LeasefsError('UNAVAILABLE', reason.message, { cause: reason }))
    }
  }

  #take(number: number): Waiting | undefined {
    const waiting = this.#waiting.get(number)
    this.#waiting.delete(number)
    waiting?.cancel()
    return waiting
  }
}
