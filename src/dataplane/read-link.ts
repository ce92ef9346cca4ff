// Reads asked of one server, over one connection; several at once, answered in
// any order.

import { crc32 } from '@node-rs/crc32'
import { LeasefsError } from '../base/errors.js'
import { encodeFrame, type Frame, type ReadReplyFrame } from '../wire/frames.js'
import type { ReadBytes, ReadRequest } from './data-plane.js'
import { readsUnderWayMax, readTimeoutMs } from './limits.js'
import { Link } from './link.js'

interface UnderWay {
  readonly length: number
  readonly resolve: (bytes: ReadBytes) => void
  readonly reject: (reason: LeasefsError) => void
}

/** The answer whose bytes are coming in. */
interface Incoming {
  readonly read: UnderWay
  readonly reply: ReadReplyFrame
  readonly buffers: Buffer[]
  crc32: number
}

export class ReadLink extends Link {
  readonly #underWay = new Map<number, UnderWay>()
  #incoming: Incoming | undefined
  #number = 0

  get underWay(): number {
    return this.#underWay.size
  }

  protected get owed(): boolean {
    return this.#underWay.size > 0
  }

  read(request: ReadRequest): Promise<ReadBytes> {
    const refused = this.closed ?? this.#overload()
    if (refused) return Promise.reject(refused)
    this.#number = (this.#number + 1) % 2 ** 32
    const number = this.#number
    return new Promise((resolve, reject) => {
      this.#underWay.set(number, { length: request.length, resolve, reject })
      this.watch()
      this.send([encodeFrame({ type: 'read', number, ...request })])
    })
  }

  protected onFrame(frame: Frame): void {
    const read = frame.type === 'readReply' ? this.#underWay.get(frame.number) : undefined
    if (frame.type !== 'readReply' || !read)
      throw new LeasefsError('CORRUPT', `${frame.type} frame that nothing asked for`)
    if (frame.length > read.length)
      throw new LeasefsError('CORRUPT', `${frame.length} bytes for a read of ${read.length}`)
    this.#incoming = { read, reply: frame, buffers: [], crc32: 0 }
    if (frame.length === 0) this.#answered(this.#incoming)
  }

  protected onPayload(bytes: Buffer, last: boolean): void {
    const incoming = this.#incoming
    if (!incoming) return
    incoming.buffers.push(bytes)
    incoming.crc32 = crc32(bytes, incoming.crc32)
    if (last) this.#answered(incoming)
  }

  protected onDrain(): void {}

  protected onLost(reason: LeasefsError): void {
    const reads = [...this.#underWay.values()]
    this.#underWay.clear()
    this.#incoming = undefined
    for (const { reject } of reads) reject(reason)
  }

  protected timeoutMs(): number {
    return readTimeoutMs
  }

  #answered({ read, reply, buffers, crc32 }: Incoming): void {
    this.#incoming = undefined
    this.#underWay.delete(reply.number)
    this.watch()
    if (reply.failure) read.reject(new LeasefsError(reply.failure.code, reply.failure.message))
    else if (crc32 !== reply.crc32)
      read.reject(new LeasefsError('CORRUPT', `bytes from ${this.name} were damaged on the way`))
    else read.resolve({ buffers, length: reply.length, crc32 })
  }

  #overload(): LeasefsError | undefined {
    if (this.#underWay.size < readsUnderWayMax) return undefined
    return new LeasefsError('UNAVAILABLE', `too many reads from ${this.name} are under way`)
  }
}
