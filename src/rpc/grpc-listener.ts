// The port of a gRPC server: accepts connections, no more than may be, and says
// which of them were no HTTP/2. gRPC gets them when they are accepted.

import { createServer, type Server, type Socket } from 'node:net'
import { listenError } from '../base/listen-error.js'
import type { Warner } from '../base/log-limit.js'
import { type Address, addressText } from '../wire/address.js'
import { serverConnectionsMax } from './limits.js'

export interface ListenerOptions {
  /** `host` is an IP address. */
  readonly listen: Address
  readonly accept: (socket: Socket) => void
  readonly log: Warner
  readonly connectionsMax?: number
}

export class GrpcListener {
  readonly port: number
  readonly #server: Server
  readonly #sockets: Map<string, Socket>

  private constructor(server: Server, sockets: Map<string, Socket>) {
    const address = server.address()
    this.port = address && typeof address === 'object' ? address.port : 0
    this.#server = server
    this.#sockets = sockets
  }

  /** @throws LeasefsError ADDRESS_IN_USE, PERMISSION_DENIED, INVALID_ARGUMENT */
  static open(options: ListenerOptions): Promise<GrpcListener> {
    const { listen, accept, log, connectionsMax = serverConnectionsMax } = options
    const sockets = new Map<string, Socket>()
    const server = createServer({ noDelay: true }, socket => {
      const peer = `${socket.remoteAddress}:${socket.remotePort}`
      socket.on('error', error => {
        if (isProtocolError(error)) log.warn({ peer, reason: error.message }, 'connection closed: not HTTP/2')
      })
      if (sockets.size >= connectionsMax) {
        log.warn({ peer, count: sockets.size }, 'connection refused: too many')
        socket.destroy()
        return
      }
      sockets.set(peer, socket)
      socket.once('close', () => {
        if (sockets.get(peer) === socket) sockets.delete(peer)
      })
      accept(socket)
    })
    return new Promise((resolve, reject) => {
      server.once('error', (cause: NodeJS.ErrnoException) => reject(listenError(addressText(listen), cause)))
      server.listen(listen, () => {
        server.removeAllListeners('error')
        // One that could not be accepted, for want of descriptors: it is the client's to try again.
        server.on('error', error => log.warn({ err: error }, 'connection not accepted'))
        resolve(new GrpcListener(server, sockets))
      })
    })
  }

  /** Ends the connection of `peer` (as gRPC names it), whatever is under way on it. False: there is none. */
  drop(peer: string): boolean {
    const socket = this.#sockets.get(peer)
    this.#sockets.delete(peer)
    socket?.destroy()
    return socket !== undefined
  }

  /** Accepts no more. */
  stop(): void {
    this.#server.close()
  }

  /** Ends what is left. */
  dropAll(): void {
    for (const socket of this.#sockets.values()) socket.destroy()
  }
}

/** What the HTTP/2 of Node throws a connection out for. */
function isProtocolError(error: NodeJS.ErrnoException): boolean {
  return error.code?.startsWith('ERR_HTTP2') === true
}
