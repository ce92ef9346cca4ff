// One request of the kernel, and what may be said to it.

import type { Ino } from '../../../client/file-system.js'
import { KernelError } from '../../errno.js'

export interface Request {
  /** The kernel's name of it. */
  readonly unique: number
  readonly opcode: number
  readonly ino: Ino
  readonly uid: number
  readonly gid: number
  /** The call it is for: the same when it is sent again to the next process. */
  readonly cause: number
  /** An earlier process has made the change that is asked for, and could not answer. */
  readonly isDone: boolean
  /** Behind the header. Valid until the call has ended: what outlives it is copied. */
  readonly body: Buffer
  /** Aborts when the caller is interrupted. */
  readonly signal: () => AbortSignal
  /** To be called for what the header does not name and the kernel has locked for this request. */
  readonly alsoAbout: (ino: Ino) => void
}

/** What a successful call gives: bytes in pieces that follow one another, none if there is nothing to say. */
export interface Reply {
  readonly pieces: readonly Buffer[]
  /** The kernel has it. */
  readonly delivered?: () => void
  /** The kernel did not wait for it: what was opened for it is to be let go of. */
  readonly abandoned?: () => void
}

export type Call = (request: Request) => Promise<Reply>

/** Success, and nothing else to say. */
export const done: Reply = { pieces: [] }

export function reply(...pieces: readonly Buffer[]): Reply {
  return { pieces }
}

/**
 * `count` texts, each ended by a NUL, from `offset` to the end of the body. Copies.
 *
 * @throws KernelError EINVAL: there are not so many, or an empty one among them
 */
export function namesAt(body: Buffer, offset: number, count: number): Buffer[] {
  const names: Buffer[] = []
  let at = offset
  while (names.length < count) {
    const end = body.indexOf(0, at)
    if (end <= at) throw new KernelError('EINVAL', 'a request without the name it needs')
    names.push(Buffer.from(body.subarray(at, end)))
    at = end + 1
  }
  return names
}

/** As namesAt, the only one. */
export function nameAt(body: Buffer, offset: number): Buffer {
  return namesAt(body, offset, 1)[0] as Buffer
}
