// The master's words to one chunkserver: numbered, each waiting for its
// CommandDone, a bounded number at a time.

import type { Clock } from '../../base/clock.js'
import { type Deferred, deferred } from '../../base/deferred.js'
import { errorCodeOf, LeasefsError } from '../../base/errors.js'
import type { CommandDone } from '../../wire/gen/chunkserver.js'
import { commandsOutstandingMax } from './limits.js'

interface Waiting {
  readonly done: Deferred<void>
  readonly cancel: () => void
}

export class Commands {
  readonly #clock: Clock
  readonly #waiting = new Map<number, Waiting>()
  #last = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /**
   * Sends a command under the next number and waits for its answer.
   *
   * @throws LeasefsError what the server says; UNAVAILABLE (too many under way, not sent); TIMEOUT (sent, not answered)
   */
  async give(timeoutMs: number, send: (number: number) => void): Promise<void> {
    if (this.#waiting.size >= commandsOutstandingMax) {
      throw new LeasefsError('UNAVAILABLE', `${commandsOutstandingMax} commands wait for an answer already`)
    }
    const number = ++this.#last
    const done = deferred<void>()
    const cancel = this.#clock.after(timeoutMs, () => {
      this.#settle(number)?.done.reject(new LeasefsError('TIMEOUT', `no answer within ${timeoutMs} ms`))
    })
    this.#waiting.set(number, { done, cancel })
    send(number)
    await done.promise
  }

  /** An answer has come. One that comes too late, or to nothing, is ignored. */
  done({ number, failure }: CommandDone): void {
    const waiting = this.#settle(number)
    if (failure) waiting?.done.reject(new LeasefsError(errorCodeOf(failure.code), failure.message))
    else waiting?.done.resolve()
  }

  /** The session has ended: what was sent may or may not have been done. */
  close(): void {
    for (const number of [...this.#waiting.keys()]) {
      this.#settle(number)?.done.reject(new LeasefsError('TIMEOUT', 'the session closed before the answer'))
    }
  }

  #settle(number: number): Waiting | undefined {
    const waiting = this.#waiting.get(number)
    this.#waiting.delete(number)
    waiting?.cancel()
    return waiting
  }
}
