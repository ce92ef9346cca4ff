// A client's stream of commits: read, checked, given to the primary's order,
// and answered in whatever order they are done.

import type { Clock } from '../../base/clock.js'
import { LeasefsError } from '../../base/errors.js'
import type { Trace } from '../../base/trace.js'
import type { ControlStream } from '../../rpc/control-network.js'
import type { ClientToPrimary, Commit, PrimaryToClient } from '../../wire/gen/mutation.js'
import { type ChunkHandle, handleText } from '../../wire/ids.js'
import { InOrder } from '../in-order.js'
import { commitAnswerMs, commitsHeldMax } from '../limits.js'
import { checkCommit, checkPositive } from './checked.js'
import type { Commits } from './commits.js'
import { failureFields, failureOf } from './mutation-error.js'

export interface CommitStreamOptions {
  readonly commits: Commits
  readonly clock: Clock
  readonly trace: Trace | undefined
  /** @throws LeasefsError WRONG_CLUSTER, UNAVAILABLE (we do not know our own yet) */
  readonly checkCluster: (clusterId: string) => void
}

type Stream = ControlStream<PrimaryToClient, ClientToPrimary>

/** Serves the stream until it closes. */
export function serveCommits(stream: Stream, options: CommitStreamOptions): void {
  const served = new CommitStream(stream, options)
  stream.onMessage(message => served.receive(message))
}

class CommitStream {
  readonly #stream: Stream
  readonly #options: CommitStreamOptions
  readonly #inOrder = new InOrder<ChunkHandle>()
  /** Of the client, once it has said hello. */
  #client: string | undefined
  #held = 0

  constructor(stream: Stream, options: CommitStreamOptions) {
    this.#stream = stream
    this.#options = options
  }

  receive({ message }: ClientToPrimary): void {
    try {
      if (message?.$case === 'commit' && this.#client !== undefined) {
        this.#commit(message.value, this.#client)
      } else if (message?.$case === 'hello') {
        this.#options.checkCluster(message.value.clusterId)
        this.#client = `client:${checkPositive(message.value.sessionId, 'session')}`
      } else {
        throw new LeasefsError('INVALID_ARGUMENT', 'a stream of commits begins with a hello')
      }
    } catch (reason) {
      if (!(reason instanceof LeasefsError)) throw reason
      this.#stream.close(reason)
    }
  }

  #commit(commit: Commit, from: string): void {
    const { trace } = this.#options
    if (trace) {
      const dataIds = commit.mutations.flatMap(({ id }) => (id ? [`${id.client}:${id.counter}`] : []))
      trace('commit.received', { handle: handleText(commit.handle), version: commit.version, dataIds, from })
    }
    if (this.#held >= commitsHeldMax) {
      this.#answer(commit, from, 0, new LeasefsError('UNAVAILABLE', `${commitsHeldMax} commits wait already`))
      return
    }
    this.#held++
    this.#outcome(commit).then(({ firstSerial, error }) => {
      this.#held--
      this.#answer(commit, from, firstSerial, error)
    })
  }

  async #outcome(commit: Commit): Promise<{ firstSerial: number; error?: LeasefsError }> {
    let firstSerial = 0
    try {
      const checked = checkCommit(commit)
      await this.#inTime(async () => {
        const ordered = await this.#inOrder.run(checked.handle, () => this.#options.commits.order(checked))
        firstSerial = ordered.firstSerial
        await ordered.done
      })
      return { firstSerial }
    } catch (reason) {
      return { firstSerial, error: failureOf(reason) }
    }
  }

  #inTime(run: () => Promise<void>): Promise<void> {
    return new Promise((resolve, reject) => {
      const late = () =>
        reject(new LeasefsError('REPLICA_FAILED', `not applied everywhere within ${commitAnswerMs} ms`))
      const cancel = this.#options.clock.after(commitAnswerMs, late)
      run().finally(cancel).then(resolve, reject)
    })
  }

  #answer({ number, handle, version }: Commit, to: string, firstSerial: number, error?: LeasefsError): void {
    const usage = error ? undefined : this.#options.commits.usage(handle as ChunkHandle)
    const fields = { handle: handleText(handle), version, serial: firstSerial, to }
    this.#options.trace?.('commit.reply', { ...fields, code: error?.code ?? 'OK' })
    this.#stream.send({ committed: { number, firstSerial, usage, ...failureFields(error) } })
  }
}
