// As much of an HTTP/2 client as an attacker needs: calls on one connection,
// with flow control, that are never surprised. (The client of Node 20 is: it
// has corrupted its memory under attacks of its own.)

import type { Port } from './attack.js'
import { frame, preface, request, settings, types } from './http2-frames.js'
import { Wire } from './wire.js'

const frameSizeMax = 16_384
const windowMax = 65_535
const endStream = 1
const endHeaders = 4
const ack = 1

export class Connection {
  readonly #wire: Wire
  readonly #calls = new Map<number, Call>()
  #received = Buffer.alloc(0)
  #window = windowMax
  #takesAnswers = true

  private constructor(wire: Wire) {
    this.#wire = wire
    wire.onData(bytes => this.#receive(bytes))
  }

  static async open({ address }: Port): Promise<Connection> {
    const wire = await Wire.open(address)
    await wire.send(Buffer.concat([preface, settings]))
    return new Connection(wire)
  }

  call(path: string, headers: Readonly<Record<string, string>> = {}): Call {
    const id = 2 * this.#calls.size + 1
    const call = new Call(this, id)
    this.#calls.set(id, call)
    this.write(frame(types.headers, endHeaders, id, request(path, headers)))
    return call
  }

  /** From here on what is answered is not taken, beyond the windows there are. */
  takeNothing(): void {
    this.#takesAnswers = false
  }

  get isClosed(): boolean {
    return this.#wire.isClosed
  }

  write(bytes: Buffer): void {
    void this.#wire.send(bytes)
  }

  /** How much of `length` may be sent now. */
  take(length: number): number {
    const taken = Math.min(length, this.#window)
    this.#window -= taken
    return taken
  }

  close(): void {
    this.#wire.close()
  }

  #receive(bytes: Buffer): void {
    this.#received = Buffer.concat([this.#received, bytes])
    for (;;) {
      if (this.#received.length < 9) return
      const length = this.#received.readUIntBE(0, 3)
      if (this.#received.length < 9 + length) return
      const [type = 0, flags = 0] = this.#received.subarray(3, 5)
      const stream = this.#received.readUInt32BE(5) & 0x7fffffff
      this.#take(type, flags, stream, this.#received.subarray(9, 9 + length))
      this.#received = this.#received.subarray(9 + length)
    }
  }

  #take(type: number, flags: number, stream: number, payload: Buffer): void {
    const call = this.#calls.get(stream)
    if (type === types.settings && (flags & ack) === 0) this.write(frame(types.settings, ack, 0, Buffer.alloc(0)))
    else if (type === types.ping && (flags & ack) === 0) this.write(frame(types.ping, ack, 0, payload))
    else if (type === types.window) this.#widen(call, payload.readUInt32BE(0))
    else if (type === types.rst) call?.ended()
    else if (type === types.data || type === types.headers) {
      if (type === types.data && payload.length > 0 && this.#takesAnswers) {
        const window = Buffer.alloc(4)
        window.writeUInt32BE(payload.length)
        this.write(Buffer.concat([frame(types.window, 0, 0, window), frame(types.window, 0, stream, window)]))
      }
      call?.heard()
      if ((flags & endStream) !== 0) call?.ended()
    }
  }

  #widen(call: Call | undefined, bytes: number): void {
    if (call) call.window += bytes
    else this.#window += bytes
    for (const one of this.#calls.values()) one.flush()
  }
}

export class Call {
  /** What the server takes of it now. */
  window = windowMax
  readonly #connection: Connection
  readonly #id: number
  readonly #ended: Promise<void>
  #end: () => void = () => {}
  #isEnded = false
  #wasHeard = false
  #waiting: Buffer[] = []
  #isLast = false

  constructor(connection: Connection, id: number) {
    this.#connection = connection
    this.#id = id
    this.#ended = new Promise(resolve => {
      this.#end = resolve
    })
  }

  /** A message in its frame. */
  send(message: Buffer, compressed = false): void {
    const head = Buffer.alloc(5)
    head[0] = compressed ? 1 : 0
    head.writeUInt32BE(message.length, 1)
    this.raw(Buffer.concat([head, message]))
  }

  raw(bytes: Buffer): void {
    this.#waiting.push(bytes)
    this.flush()
  }

  /** Nothing more comes. */
  end(): void {
    this.#isLast = true
    this.flush()
  }

  /** Sends what the windows let through. */
  flush(): void {
    while (!this.#isEnded && this.#waiting.length > 0) {
      const [first = Buffer.alloc(0)] = this.#waiting
      const length = this.#connection.take(Math.min(first.length, this.window, frameSizeMax))
      if (length === 0 && first.length > 0) return
      this.window -= length
      this.#connection.write(frame(types.data, 0, this.#id, first.subarray(0, length)))
      if (length === first.length) this.#waiting.shift()
      else this.#waiting[0] = first.subarray(length)
    }
    if (this.#isLast && !this.#isEnded) {
      this.#isLast = false
      this.#connection.write(frame(types.data, endStream, this.#id, Buffer.alloc(0)))
    }
  }

  /** The server has taken it for a call, and said something. */
  get wasHeard(): boolean {
    return this.#wasHeard
  }

  heard(): void {
    this.#wasHeard = true
  }

  /** The server has said its last word. */
  ended(): void {
    this.#isEnded = true
    this.#waiting = []
    this.#end()
  }

  /** True if the server ends it, or the connection, within this time. */
  async isEnded(ms: number): Promise<boolean> {
    const until = performance.now() + ms
    while (!this.#isEnded && !this.#connection.isClosed && performance.now() < until) {
      await Promise.race([this.#ended, new Promise(resolve => setTimeout(resolve, 50).unref())])
    }
    return this.#isEnded || this.#connection.isClosed
  }
}
