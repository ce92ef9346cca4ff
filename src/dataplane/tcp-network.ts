// ByteNetwork over TCP.

import { createServer, type Server, type ServerOpts, Socket, type SocketConstructorOpts } from 'node:net'
import type { Clock } from '../base/clock.js'
import { LeasefsError } from '../base/errors.js'
import { listenError } from '../base/listen-error.js'
import type { Logger } from '../base/log.js'
import { type Address, addressText } from '../wire/address.js'
import type { ByteNetwork, BytePipe, ByteServer } from './byte-network.js'
import { pipeQueuedBytesMax } from './limits.js'
import { Lookups } from './lookups.js'

// The type leaves out what goes to the stream below the socket.
const options: SocketConstructorOpts & ServerOpts = {
  highWaterMark: pipeQueuedBytesMax,
  noDelay: true,
  keepAlive: true,
  keepAliveInitialDelay: 10_000,
}

export class TcpNetwork implements ByteNetwork {
  readonly #clock: Clock
  readonly #log: Logger
  readonly #lookups = new Lookups()

  constructor(clock: Clock, log: Logger) {
    this.#clock = clock
    this.#log = log
  }

  serve(listen: Address, accept: (pipe: BytePipe) => void): Promise<ByteServer> {
    const sockets = new Set<Socket>()
    const server = createServer(options, socket => {
      sockets.add(socket)
      socket.once('close', () => sockets.delete(socket))
      accept(new TcpPipe(socket, addressText({ host: socket.remoteAddress ?? '?', port: socket.remotePort ?? 0 })))
    })
    return new Promise((resolve, reject) => {
      server.once('error', (cause: NodeJS.ErrnoException) => reject(listenError(addressText(listen), cause)))
      server.listen({ host: listen.host, port: listen.port }, () => {
        server.removeAllListeners('error')
        // One that could not be accepted, for want of descriptors: it is the client's to try again.
        server.on('error', err => this.#log.error({ err }, 'data connection not accepted'))
        resolve({ address: { host: listen.host, port: portOf(server) }, close: () => close(server, sockets) })
      })
    })
  }

  connect(address: Address, timeoutMs: number): Promise<BytePipe> {
    const name = addressText(address)
    const socket = new Socket(options)
    return new Promise((resolve, reject) => {
      const fail = (why: string, cause?: Error) => {
        cancelTimer()
        socket.destroy()
        reject(new LeasefsError('UNAVAILABLE', `${name} ${why}`, { cause }))
      }
      const cancelTimer = this.#clock.after(timeoutMs, () => fail(`could not be reached in ${timeoutMs} ms`))
      const failed = (cause: NodeJS.ErrnoException) =>
        fail(`could not be reached: ${cause.code ?? cause.message}`, cause)
      socket.once('error', failed)
      const { lookup } = this.#lookups
      socket.connect({ host: address.host, port: address.port, noDelay: true, lookup }, () => {
        cancelTimer()
        socket.off('error', failed)
        resolve(new TcpPipe(socket, name))
      })
    })
  }
}

class TcpPipe implements BytePipe {
  readonly peer: string
  readonly #socket: Socket
  #closed: ((reason: LeasefsError) => void) | undefined
  #end: LeasefsError | undefined
  #error: Error | undefined

  constructor(socket: Socket, peer: string) {
    this.#socket = socket
    this.peer = peer
    socket.on('error', error => {
      this.#error = error
    })
    socket.once('end', () => socket.destroy()) // A half-closed connection carries nothing we know of.
    socket.once('close', () => this.#ended())
  }

  get queuedBytes(): number {
    return this.#socket.writableLength
  }

  write(buffers: readonly Buffer[]): boolean {
    if (this.#socket.destroyed) return false
    let more = true
    this.#socket.cork()
    for (const bytes of buffers) more = this.#socket.write(bytes)
    this.#socket.uncork()
    return more
  }

  onDrain(drained: () => void): void {
    this.#socket.on('drain', drained)
  }

  onData(receive: (bytes: Buffer) => void): void {
    this.#socket.on('data', receive)
  }

  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  onClose(closed: (reason: LeasefsError) => void): void {
    this.#closed = closed
    const end = this.#end
    if (end) queueMicrotask(() => closed(end))
  }

  close(): void {
    this.#error ??= new LeasefsError('CANCELLED', `connection with ${this.peer} was closed`)
    this.#socket.destroy()
  }

  #ended(): void {
    const cause = this.#error
    const why = cause ? `was lost: ${cause.message}` : 'was closed by the peer'
    this.#end =
      cause instanceof LeasefsError ? cause : new LeasefsError('UNAVAILABLE', `connection with ${this.peer} ${why}`)
    this.#closed?.(this.#end)
  }
}

function close(server: Server, sockets: ReadonlySet<Socket>): Promise<void> {
  return new Promise(resolve => {
    server.close(() => resolve()) // An error says that it was closed before.
    for (const socket of sockets) socket.destroy()
  })
}

function portOf(server: Server): number {
  const address = server.address()
  return address && typeof address === 'object' ? address.port : 0
}
