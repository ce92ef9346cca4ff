// One connection to a data server: takes frames, drives the handler, answers.
// What it cannot take at once it leaves in the connection, so that the peer
// feels it.

import type { Clock } from '../base/clock.js'
import { LeasefsError, rethrowBug } from '../base/errors.js'
import type { Warner } from '../base/log-limit.js'
import type { Trace } from '../base/trace.js'
import type { Frame, HelloFrame, PushFrame, ReadFrame } from '../wire/frames.js'
import { dataIdText, handleText } from '../wire/ids.js'
import type { AnswerBudget, Answering } from './answer-budget.js'
import type { BytePipe } from './byte-network.js'
import type { DataHandler, ReadBytes } from './data-plane.js'
import { FramedPipe, type FrameUser } from './framed-pipe.js'
import { acksAwaitedMax, goodbyeMs, readsAtOnceMax, repliesQueuedBytesMax } from './limits.js'
import type { LinkOptions } from './link.js'
import { type Awaited, Patience } from './patience.js'
import { PushForwarder } from './push-forward.js'
import type { PushFailure } from './push-link.js'
import { PushReception } from './push-reception.js'

export interface ConnectionOptions {
  readonly handler: DataHandler
  readonly clock: Clock
  readonly log: Warner
  readonly answers: AnswerBudget
  readonly trace: Trace | undefined
  readonly self: () => string
  readonly clusterId: () => string
  /** How to reach the next server of a chain. */
  readonly link: LinkOptions
}

/** What keeps us from taking the next frame. */
type Obstacle = 'push buffer' | 'next server' | 'acknowledgements' | 'reads' | 'answers' | 'goodbye'

export class DataConnection implements FrameUser, Answering {
  readonly #options: ConnectionOptions
  readonly #ended: () => void
  readonly #pipe: FramedPipe
  readonly #forwarder: PushForwarder
  readonly #patience = new Patience()
  readonly #obstacles = new Set<Obstacle>()
  /** Who connected, once it has said so. */
  #peer = ''
  #greeted = false
  #push: PushReception | undefined
  #acksAwaited = 0
  #readsUnderWay = 0
  /** Of the reads under way. */
  #readBytes = 0
  /** Waits for room for its answer, and with it whatever comes behind it. */
  #heldRead: ReadFrame | undefined
  #framesTaken = 0
  #cancelGoodbye: (() => void) | undefined
  #closed = false

  /** `ended` is told when the connection has. */
  constructor(pipe: BytePipe, options: ConnectionOptions, ended: () => void) {
    const { link, self, trace, log } = options
    this.#options = options
    this.#ended = ended
    this.#forwarder = new PushForwarder(link, self, trace, () => this.#clear('next server'))
    this.#pipe = new FramedPipe(pipe, this, log)
    options.answers.add(this)
  }

  get answerBytes(): number {
    return this.#readBytes + this.#pipe.queuedBytes
  }

  /** Since when it has been waiting for the next question; undefined: it is not. */
  get idleSince(): number | undefined {
    return this.#patience.idleSince
  }

  /** To be called now and then: closes the connection if the peer has kept us waiting for too long. */
  look(now: number): void {
    const awaited = this.#awaited()
    const progress = awaited === 'taking' ? this.#pipe.leftBytes : this.#framesTaken
    const late = this.#patience.look(awaited, progress, now, this.#options.answers.isSpent)
    if (late) this.#pipe.throwOut(late)
    else this.onDrain() // It may have taken some answers.
  }

  /** Makes room for another one. */
  giveWay(): void {
    this.#pipe.throwOut(new LeasefsError('UNAVAILABLE', 'it was silent, and there are too many'))
  }

  roomCame(): void {
    const held = this.#heldRead
    this.#heldRead = undefined
    if (held) this.#read(held)
    else this.#limitReads()
  }

  onFrame(frame: Frame): void {
    this.#framesTaken++
    if (frame.type === 'hello' && !this.#greeted) this.#hello(frame)
    else if (frame.type === 'push' && this.#greeted) this.#beginPush(frame)
    else if (frame.type === 'read' && this.#greeted) this.#read(frame)
    else throw new LeasefsError('CORRUPT', `unexpected ${frame.type} frame`)
  }

  onPayload(bytes: Buffer, last: boolean): void {
    const push = this.#push
    if (!push) return
    if (last) this.#pushWhole()
    if (!push.write(bytes, last)) this.#block('next server')
  }

  onDrain(): void {
    this.#limitAnswers()
    this.#limitReads()
    this.#options.answers.left()
  }

  onClose(reason: LeasefsError): void {
    this.#closed = true
    this.#heldRead = undefined
    this.#cancelGoodbye?.()
    this.#options.answers.remove(this)
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
    this.#cancelGoodbye = this.#options.clock.after(goodbyeMs, () => this.#pipe.close())
  }

  #beginPush(frame: PushFrame): void {
    this.#acksAwaited++
    const push = new PushReception(frame, this.#forwarder, {
      received: () => this.#tracePush('push.received', frame, { from: this.#peer, to: this.#options.self() }),
      over: failure => this.#acknowledge(frame, failure),
    })
    this.#push = push
    const begun = push.begin(this.#options.handler)
    if (!begun) return
    this.#block('push buffer')
    void begun.then(() => this.#clear('push buffer'))
  }

  /** The last byte is here; what remains is the answer of those behind. */
  #pushWhole(): void {
    this.#push = undefined
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
    this.#limitAnswers()
  }

  #read(frame: ReadFrame): void {
    const { handle, version, offset, length } = frame
    const { answers } = this.#options
    if (answers.isSpent) {
      this.#heldRead = frame
      answers.await(this)
      this.#block('reads')
      return
    }
    answers.begun(length)
    this.#readsUnderWay++
    this.#readBytes += length
    this.#limitReads()
    const read = async () => this.#options.handler.read({ handle, version, offset, length })
    read().then(
      bytes => this.#replyBytes(frame, bytes),
      reason => {
        rethrowBug(reason)
        const { code, message } = LeasefsError.from(reason)
        this.#reply(frame, () => {
          const failure = { code, message }
          this.#pipe.send({ type: 'readReply', number: frame.number, length: 0, crc32: 0, failure })
        })
      },
    )
  }

  #replyBytes(frame: ReadFrame, { buffers, length, crc32 }: ReadBytes): void {
    const { number, handle, version } = frame
    this.#reply(frame, () => {
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

  #reply({ length }: ReadFrame, send: () => void): void {
    this.#readsUnderWay--
    this.#readBytes -= length
    if (this.#closed) return
    send()
    this.#limitReads()
  }

  #limitReads(): void {
    const many = this.#readsUnderWay >= readsAtOnceMax || this.#pipe.queuedBytes > repliesQueuedBytesMax
    if (many || this.#heldRead) this.#block('reads')
    else this.#clear('reads')
  }

  /** Who pushes and takes no acknowledgements may not have us keep them. */
  #limitAnswers(): void {
    if (this.#pipe.queuedBytes > repliesQueuedBytesMax) this.#block('answers')
    else this.#clear('answers')
  }

  #block(obstacle: Obstacle): void {
    if (this.#obstacles.size === 0) this.#pipe.hold()
    this.#obstacles.add(obstacle)
  }

  #clear(obstacle: Obstacle): void {
    if (!this.#obstacles.delete(obstacle) || this.#obstacles.size > 0) return
    this.#pipe.release()
  }

  #awaited(): Awaited {
    if (this.#obstacles.has('goodbye')) return 'nothing'
    if (!this.#greeted) return 'hello'
    if (this.#pipe.queuedBytes > 0) return 'taking'
    if (this.#obstacles.size > 0 || this.#acksAwaited > (this.#push ? 1 : 0) || this.#readsUnderWay > 0)
      return 'nothing'
    return this.#push || this.#pipe.isWithinFrame ? 'rest' : 'more'
  }

  #tracePush(event: 'push.received' | 'push.acked', frame: PushFrame, ends: { from: string; to: string }): void {
    const { id, length: bytes } = frame
    this.#options.trace?.(event, { dataId: dataIdText(id), ...ends, bytes })
  }
}
