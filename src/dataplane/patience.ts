// How long a server waits for a peer. It looks now and then at what it waits for:
// only a wait that no progress has ended in between counts.

import { LeasefsError } from '../base/errors.js'
import { answersTakenMs, answersTakenMsMin, frameMs, helloMs, silentMs } from './limits.js'

export type Awaited =
  /** The first frame. */
  | 'hello'
  /** The rest of a frame, or of its payload. */
  | 'rest'
  /** Our answers to be taken. */
  | 'taking'
  /** The next question. */
  | 'more'
  /** Nothing: it is we who are to do something. */
  | 'nothing'

const limitsMs: Record<Awaited, number> = {
  hello: helloMs,
  rest: frameMs,
  taking: answersTakenMs,
  more: silentMs,
  nothing: Number.POSITIVE_INFINITY,
}

const texts: Record<Awaited, string> = {
  hello: 'it says no hello',
  rest: 'it does not go on with what it began',
  taking: 'it takes no answers',
  more: 'it was silent',
  nothing: '',
}

export class Patience {
  #awaited: Awaited = 'nothing'
  #progress = 0
  #since = 0

  /** Waits for the next question, or the first, since when; undefined: it is not idle. */
  get idleSince(): number | undefined {
    return this.#awaited === 'more' || this.#awaited === 'hello' ? this.#since : undefined
  }

  /**
   * What is waited for now, and a number that is another one when the peer has done something about it. Says why the
   * connection is to be closed, if it is. `hurry`: others need what is waiting to be taken.
   */
  look(awaited: Awaited, progress: number, now: number, hurry = false): LeasefsError | undefined {
    if (awaited !== this.#awaited || progress !== this.#progress) {
      this.#awaited = awaited
      this.#progress = progress
      this.#since = now
      return undefined
    }
    const limitMs = hurry && awaited === 'taking' ? answersTakenMsMin : limitsMs[awaited]
    if (now - this.#since < limitMs) return undefined
    return new LeasefsError('TIMEOUT', `${texts[awaited]} for ${Math.round(now - this.#since)} ms`)
  }
}
