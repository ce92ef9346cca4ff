// One connection to a data server: takes frames, drives the handler, answers.
// What it cannot take at once it leaves in the connection, so that the peer
// feels it.

import type { Clock } from '../base/clock.js'
import { LeasefsError, rethrowBug } from '../base/errors.js'
import type { Logger } from '../base/log.js'
import type { Trace } from '../base/trace.js'
import type { Frame, HelloFrame, PushFrame, ReadFrame } from '../wire/frames.js'
import { dataIdText, handleText } from '../wire/ids.js'
import type { BytePipe } from './byte-network.js'
import type { DataHandler, ReadBytes } from './data-plane.js'
import { FramedPipe, type FrameUser } from './framed-pipe.js'
import { acksAwaitedMax, goodbyeMs, pushIdleTimeoutMs, readsAtOnceMax, repliesQueuedBytesMax } from './limits.js'
import type { LinkOptions } from './link.js'
import { PushForwarder } from './push-forward.js'
import type { PushFailure } from './push-link.js'
import { PushReception } from './push-reception.js'
import { Watch } from './watch.js'

export interface ConnectionOptions {
  readonly handler: DataHandler
  readonly clock: Clock
  readonly log: Logger
  readonly trace: Trace | undefined
  readonly self: () => string
  readonly clusterId: () => string
  /** How to reach the next server of a chain. */
  readonly link: LinkOptions
}

/** What keeps us from taking the next frame. */
type Obstacle = 'push buffer' | 'next server' | 'acknowledgements' | 'reads' | 'goodbye'

export class DataConnection implements FrameUser {
  readonly #options: ConnectionOptions
  readonly #ended: () => void
  readonly #pipe: FramedPipe
  readonly #forwarder: PushForwarder
  readonly #watch: Watch
  readonly #obstacles = new Set<Obstacle>()
  /** Who connected, once it has said so. */
  #peer = ''
  #greeted = false
  #push: PushReception | undefined
  #acksAwaited = 0
  #readsUnderWay = 0
  #closed = false

  /** `ended` is told when the connection has. */
  constructor(pipe: BytePipe, options: ConnectionOptions, ended: () => void) {
    const { link, self, trace, clock, log } = options
    this.#options = options
    this.#ended = ended
    this.#forwarder = new PushForwarder(link, self, trace, () => this.#clear('next server'))
    this.#watch = new Watch(clock, () => this.#stuck())
    this.#pipe = new FramedPipe(pipe, this, log)
  }

  onFrame(frame: Frame): void {
    if (frame.type === 'hello' && !this.#greeted) this.#hello(frame)
    else if (frame.type === 'push' && this.#greeted) this.#beginPush(frame)
    else if (frame.type === 'read' && this.#greeted) this.#read(frame)
    else throw new LeasefsError('CORRUPT', `unexpected ${frame.type} frame`)
  }

  onPayload(bytes: Buffer, last: boolean): void {
    const push = this.#push
    if (!push) return
    if (last) this.#pushWhole()
    else this.#watch.touch()
    if (!push.write(bytes, last)) this.#block('next server')
  }

  onDrain(): void {
    this.#limitReads()
  }

  onClose(reason: LeasefsError): void {
    this.#closed = true
    this.#watch.stop()
    this.#push?.abandon(reason)
    this.#push = undefined
    this.#forwarder.close(reason)
    this.#ended()
  }

  #hello({ clusterId, self }: HelloFrame): void {
    this.#greeted = true
    this.#peer = self
    const ours = this.#options.clusterId()
    if (clusterId === '' || ours === '' || clusterId === ours) return
    const failure = { code: 'WRONG_CLUSTER' as const, message: `this server belongs to cluster ${ours}` }
    this.#options.log.warn({ peer: this.#pipe.peer, clusterId }, 'data connection from another cluster refused')
    this.#pipe.send({ type: 'goodbye', failure })
    this.#block('goodbye') // Nothing more is taken; the peer hangs up when it has read this.
    this.#watch.set(goodbyeMs)
  }

  #beginPush(frame: PushFrame): void {
    this.#acksAwaited++
    const push = new PushReception(frame, this.#forwarder, {
      received: () => this.#tracePush('push.received', frame, { from: this.#peer, to: this.#options.self() }),
      over: failure => this.#acknowledge(frame, failure),
    })
    this.#push = push
    this.#watch.set(pushIdleTimeoutMs)
    const begun = push.begin(this.#options.handler)
    if (!begun) return
    this.#block('push buffer')
    void begun.then(() => this.#clear('push buffer'))
  }

  /** The last byte is here; what remains is the answer of those behind. */
  #pushWhole(): void {
    this.#push = undefined
    this.#watch.stop()
    if (this.#acksAwaited >= acksAwaitedMax) this.#block('acknowledgements')
  }

  #acknowledge(frame: PushFrame, failure: PushFailure | undefined): void {
    if (this.#closed) return
    this.#acksAwaited--
    if (failure) {
      const { position, error } = failure
      const { code, message } = error
      this.#options.log.warn({ dataId: dataIdText(frame.id), position, code, reason: message }, 'push failed')
      this.#pipe.send({ type: 'pushAck', number: frame.number, failure: { position, code, message } })
    } else {
      this.#tracePush('push.acked', frame, { from: this.#options.self(), to: this.#peer })
      this.#pipe.send({ type: 'pushAck', number: frame.number })
    }
    if (this.#acksAwaited < acksAwaitedMax) this.#clear('acknowledgements')
  }

  #read(frame: ReadFrame): void {
    this.#readsUnderWay++
    this.#limitReads()
    const { handle, version, offset, length } = frame
    const read = async () => this.#options.handler.read({ handle, version, offset, length })
    read().then(
      bytes => this.#replyBytes(frame, bytes),
      reason => {
        rethrowBug(reason)
        const { code, message } = LeasefsError.from(reason)
        this.#reply(() => {
          const failure = { code, message }
          this.#pipe.send({ type: 'readReply', number: frame.number, length: 0, crc32: 0, failure })
        })
      },
    )
  }

  #replyBytes({ number, handle, version }: ReadFrame, { buffers, length, crc32 }: ReadBytes): void {
    this.#reply(() => {
      this.#pipe.send({ type: 'readReply', number, length, crc32 }, buffers)
      this.#options.trace?.('read.served', {
        handle: handleText(handle),
        version,
        from: this.#options.self(),
        to: this.#peer,
        bytes: length,
      })
    })
  }

  #reply(send: () => void): void {
    this.#readsUnderWay--
    if (this.#closed) return
    send()
    this.#limitReads()
  }

  #limitReads(): void {
    const many = this.#readsUnderWay >= readsAtOnceMax || this.#pipe.queuedBytes > repliesQueuedBytesMax
    if (many) this.#block('reads')
    else this.#clear('reads')
  }

  #block(obstacle: Obstacle): void {
    if (this.#obstacles.size === 0) this.#pipe.hold()
    this.#obstacles.add(obstacle)
  }

  #clear(obstacle: Obstacle): void {
    if (!this.#obstacles.delete(obstacle) || this.#obstacles.size > 0) return
    this.#watch.touch() // The peer could not send while we did not take.
    this.#pipe.release()
  }

  #stuck(): void {
    if (this.#obstacles.has('goodbye')) {
      this.#pipe.close()
    } else if (this.#obstacles.size > 0) {
      this.#watch.set(pushIdleTimeoutMs) // It is us who do not take.
    } else {
      this.#pipe.close(new LeasefsError('TIMEOUT', `${this.#pipe.peer} does not go on with its push`))
    }
  }

  #tracePush(event: 'push.received' | 'push.acked', frame: PushFrame, ends: { from: string; to: string }): void {
    const { id, length: bytes } = frame
    this.#options.trace?.(event, { dataId: dataIdText(id), ...ends, bytes })
  }
}
