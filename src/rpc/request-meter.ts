// What a server holds of messages that have not come whole. gRPC bounds each of
// them and not all of them together, and waits for the rest for as long as it
// takes; this counts, and says who takes too much or too long.
//
// A message in a call is 5 bytes (one for compression, four for the length) and
// its own bytes.

import { messageSizeMax } from '../constants.js'
import { callShareBytes, messageMs, requestBytesMax } from './limits.js'

const headLength = 5

export class RequestMeters {
  readonly #bytesMax: number
  readonly #meters = new Set<RequestMeter>()
  #bytes = 0

  constructor(bytesMax = requestBytesMax) {
    this.#bytesMax = bytesMax
  }

  /** Of a call that begins now; `drop` is called when it waits for its peer too long. */
  begin(now: number, drop: (why: string) => void): RequestMeter {
    const meter = new RequestMeter(now, drop, bytes => {
      this.#bytes += bytes
    })
    this.#meters.add(meter)
    return meter
  }

  /** The call has come to its end. */
  end(meter: RequestMeter): void {
    meter.end()
    this.#meters.delete(meter)
  }

  /** Bytes have come. */
  take(meter: RequestMeter, bytes: Uint8Array, now: number): void {
    meter.take(bytes, now)
    if (this.#bytes > this.#bytesMax && meter.pendingBytes > callShareBytes)
      meter.drop('too much was begun and not ended')
  }

  /** To be called now and then. */
  look(now: number): void {
    for (const meter of this.#meters) {
      if (meter.awaitedSince !== undefined && now - meter.awaitedSince >= messageMs) {
        meter.drop(`a message has not come in ${messageMs} ms`)
      }
    }
  }
}

export class RequestMeter {
  readonly drop: (why: string) => void
  readonly #count: (bytes: number) => void
  #pendingBytes = 0
  /** The first message of a call is awaited from its beginning, others from theirs. */
  #awaitedSince: number | undefined
  #headTaken = 0
  #size = 0
  #isOver = false

  constructor(now: number, drop: (why: string) => void, count: (bytes: number) => void) {
    this.drop = drop
    this.#count = count
    this.#awaitedSince = now
  }

  /** Of the message that is coming. */
  get pendingBytes(): number {
    return this.#pendingBytes
  }

  get awaitedSince(): number | undefined {
    return this.#awaitedSince
  }

  take(bytes: Uint8Array, now: number): void {
    for (let at = 0; at < bytes.length && !this.#isOver; ) {
      this.#awaitedSince ??= now
      if (this.#headTaken < headLength) {
        if (this.#headTaken > 0) this.#size = this.#size * 256 + (bytes[at] ?? 0)
        this.#headTaken++
        at++
        if (this.#headTaken === headLength && this.#size > messageSizeMax) this.end() // gRPC refuses it.
      } else {
        const part = Math.min(bytes.length - at, this.#size - this.#pendingBytes)
        this.#add(part)
        at += part
      }
      if (this.#headTaken === headLength && this.#pendingBytes === this.#size) this.#whole()
    }
  }

  /** Nothing more of it counts. */
  end(): void {
    this.#whole()
    this.#isOver = true
  }

  #whole(): void {
    this.#add(-this.#pendingBytes)
    this.#headTaken = 0
    this.#size = 0
    this.#awaitedSince = undefined
  }

  #add(bytes: number): void {
    this.#pendingBytes += bytes
    this.#count(bytes)
  }
}
