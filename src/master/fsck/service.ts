// `leasefs fsck`: one check at a time, asked for on a stream whose end stops it.

import { LeasefsError, rethrowBug } from '../../base/errors.js'
import type { Logger } from '../../base/log.js'
import { type ControlStream, type Handler, stream } from '../../rpc/control-network.js'
import type { FsckReply, FsckRequest } from '../../wire/gen/admin.js'
import { MasterService } from '../../wire/gen/services.js'
import { failedDone, type RunOptions, runFsck } from './run.js'

export interface FsckServiceOptions extends Omit<RunOptions, 'signal' | 'tell'> {
  readonly log: Logger
}

export class FsckService {
  readonly #options: FsckServiceOptions
  readonly #stop = new AbortController()
  #underWay: Promise<void> | undefined

  constructor(options: FsckServiceOptions) {
    this.#options = options
  }

  handler(): Handler {
    return stream(MasterService.fsck, (served: ControlStream<FsckReply, FsckRequest>) => {
      const ended = new AbortController()
      let asked = false
      served.onClose(() => ended.abort())
      served.onMessage(request => {
        if (asked) served.close(new LeasefsError('INVALID_ARGUMENT', 'a check was asked for already'))
        else this.#begin(served, request, AbortSignal.any([ended.signal, this.#stop.signal]))
        asked = true
      })
    })
  }

  /** Ends the check under way. Resolves when nothing is read any more. */
  async close(): Promise<void> {
    this.#stop.abort()
    await this.#underWay
  }

  #begin(served: ControlStream<FsckReply, FsckRequest>, request: FsckRequest, signal: AbortSignal): void {
    if (this.#underWay) {
      this.#answer(served, failedDone(new LeasefsError('UNAVAILABLE', 'another check is under way')))
      return
    }
    this.#underWay = this.#run(served, request, signal).finally(() => {
      this.#underWay = undefined
    })
  }

  async #run(served: ControlStream<FsckReply, FsckRequest>, request: FsckRequest, signal: AbortSignal): Promise<void> {
    const { log } = this.#options
    const tell = (text: string, share: number) => {
      served.send({ message: { $case: 'progress', value: { text, share } } })
    }
    try {
      const { findings, done } = await runFsck({ ...this.#options, signal, tell }, request)
      for (const value of findings) served.send({ message: { $case: 'finding', value } })
      const { left, repaired, notices, incomplete } = done
      log.info({ ...request, left, repaired, notices, incomplete }, 'checked')
      this.#answer(served, done)
    } catch (reason) {
      rethrowBug(reason)
      const error = LeasefsError.from(reason)
      if (error.code !== 'CANCELLED') log.error({ err: reason }, 'the check failed')
      this.#answer(served, failedDone(error))
    }
  }

  #answer(served: ControlStream<FsckReply, FsckRequest>, value: ReturnType<typeof failedDone>): void {
    served.send({ message: { $case: 'done', value } })
    served.close()
  }
}
