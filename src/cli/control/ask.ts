// Asking a mount on this host how it stands.

import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { type Deferred, deferred } from '../../base/deferred.js'
import { LeasefsError } from '../../base/errors.js'
import { answerBytesMax, answerMsMax } from './limits.js'
import { type MountEnd, type MountState, readAnswer } from './mount-state.js'

/** A conversation with one mount. */
export class MountConversation {
  /** Resolves when the mount has ended, or left us: with how it ended, if it said so. */
  readonly ended: Promise<MountEnd | undefined>
  readonly #socket: Socket
  readonly #end: Deferred<MountEnd | undefined> = deferred()
  #asking: Deferred<MountState> | undefined
  #unread = ''

  /** @throws LeasefsError UNAVAILABLE: no process is there; TIMEOUT */
  static async open(path: string): Promise<MountConversation> {
    const socket = connect(path)
    try {
      await once(socket, 'connect', { signal: AbortSignal.timeout(answerMsMax) })
      return new MountConversation(socket)
    } catch (reason) {
      socket.destroy()
      throw new LeasefsError('UNAVAILABLE', (reason as Error).message, { cause: reason })
    }
  }

  private constructor(socket: Socket) {
    this.#socket = socket
    this.ended = this.#end.promise
    socket.setEncoding('utf8')
    socket.on('error', () => {}) // `close` follows.
    socket.on('close', () => {
      this.#asking?.reject(new LeasefsError('UNAVAILABLE', 'the mount has ended'))
      this.#end.resolve(undefined)
    })
    socket.on('data', (text: string) => this.#received(text))
  }

  /** @throws LeasefsError TIMEOUT: it does not answer; UNAVAILABLE: it has ended; INVALID_ARGUMENT: it said something else */
  async state(): Promise<MountState> {
    this.#asking = deferred()
    const { promise, reject } = this.#asking
    const timer = setTimeout(() => reject(new LeasefsError('TIMEOUT', 'the mount does not answer')), answerMsMax)
    this.#socket.write('state\n')
    try {
      if (this.#socket.destroyed) throw new LeasefsError('UNAVAILABLE', 'the mount has ended')
      return await promise
    } finally {
      clearTimeout(timer)
      this.#asking = undefined
    }
  }

  close(): void {
    this.#socket.destroy()
  }

  #received(text: string): void {
    const lines = (this.#unread + text).split('\n')
    this.#unread = lines.pop() ?? ''
    try {
      if (this.#unread.length > answerBytesMax) throw new LeasefsError('INVALID_ARGUMENT', 'an answer without an end')
      for (const line of lines) {
        const answer = readAnswer(line)
        if ('end' in answer) this.#end.resolve(answer.end)
        else this.#asking?.resolve(answer.state)
      }
    } catch (reason) {
      this.#asking?.reject(LeasefsError.from(reason))
      this.#socket.destroy()
    }
  }
}

/** One question. @throws as MountConversation */
export async function askMount(path: string): Promise<MountState> {
  const conversation = await MountConversation.open(path)
  try {
    return await conversation.state()
  } finally {
    conversation.close()
  }
}
