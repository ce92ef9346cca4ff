// A TCP connection of an attacker: what it sends is not understood here.

import { once } from 'node:events'
import { createConnection, type Socket } from 'node:net'
import type { Address } from '../../src/wire/address.js'

const connectMs = 15_000

export class Wire {
  readonly #socket: Socket
  readonly #closed: Promise<void>
  #receivedBytes = 0
  #isClosed = false

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('error', () => {}) // Being thrown out is what is expected.
    socket.on('data', (bytes: Buffer) => {
      this.#receivedBytes += bytes.length
    })
    this.#closed = new Promise(resolve => {
      socket.once('close', () => {
        this.#isClosed = true
        resolve()
      })
    })
  }

  /** @throws if nobody accepts the connection: a daemon does not do that */
  static async open({ host, port }: Address): Promise<Wire> {
    const socket = createConnection({ host, port, noDelay: true })
    const late = AbortSignal.timeout(connectMs)
    await once(socket, 'connect', { signal: late })
    return new Wire(socket)
  }

  /** Gets what the server says. */
  onData(receive: (bytes: Buffer) => void): void {
    this.#socket.on('data', receive)
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** Where it is at our end. */
  get local(): string {
    return `${this.#socket.localAddress}:${this.#socket.localPort}`
  }

  /** Waits while the server takes nothing, at most `ms`; false: it takes nothing more. */
  async send(bytes: Buffer, ms = 1000): Promise<boolean> {
    if (this.#isClosed || this.#socket.destroyed || this.#socket.writableEnded) return false
    if (this.#socket.write(bytes)) return true
    const drained = new Promise<boolean>(resolve => this.#socket.once('drain', () => resolve(true)))
    return Promise.race([drained, this.#closed.then(() => false), delay(ms).then(() => false)])
  }

  /** True if the server says anything within this time, or closes the connection. */
  async isAnswered(ms: number): Promise<boolean> {
    for (const until = performance.now() + ms; performance.now() < until; await delay(20)) {
      if (this.#receivedBytes > 0 || this.#isClosed) return true
    }
    return false
  }

  /** Bytes that come are left where they are: the server notices. */
  takeNothing(): void {
    this.#socket.pause()
  }

  /** Sends no more, and says so. */
  half(): void {
    this.#socket.end()
  }

  /** True if the server closes the connection within this time. */
  async isDropped(ms: number): Promise<boolean> {
    await Promise.race([this.#closed, delay(ms)])
    return this.#isClosed
  }

  /** Without a word. */
  close(): void {
    this.#socket.destroy()
  }

  /** With a reset instead of an end. */
  reset(): void {
    this.#socket.resetAndDestroy()
  }
}

export function delay(ms: number): Promise<void> {
  return new Promise(resolve => {
    setTimeout(resolve, ms).unref()
  })
}
