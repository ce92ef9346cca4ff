// Servers, clients and raw peers of the data plane, in memory and in simulated time.

import { createHash } from 'node:crypto'
import { crc32 } from '@node-rs/crc32'
import { LeasefsError } from '../../src/base/errors.js'
import { silentLog } from '../../src/base/log.js'
import { SimulatedClock } from '../../src/base/simulated-clock.js'
import type { TraceEvent, TraceFields } from '../../src/base/trace.js'
import type { BytePipe } from '../../src/dataplane/byte-network.js'
import { createDataClient, type DataClientOptions } from '../../src/dataplane/data-client.js'
import type {
  DataClient,
  DataHandler,
  Push,
  PushReceiver,
  ReadBytes,
  ReadRequest,
} from '../../src/dataplane/data-plane.js'
import { serveData } from '../../src/dataplane/data-server.js'
import { MemoryByteNetwork } from '../../src/dataplane/memory-network.js'
import { type Address, addressText } from '../../src/wire/address.js'
import { FrameDecoder } from '../../src/wire/frame-decoder.js'
import { encodeFrame, type Frame } from '../../src/wire/frames.js'
import { type ChunkHandle, type DataId, dataIdText, type SessionId } from '../../src/wire/ids.js'

export const local = { host: '127.0.0.1', port: 0 }

/** Bytes that look random, the same for the same seed. */
export function bytesOf(length: number, seed = 0): Buffer {
  const block = createHash('sha512').update(String(seed)).digest()
  const bytes = Buffer.alloc(length, block)
  bytes.writeUInt8(seed % 256, length - 1)
  return bytes
}

export function dataId(counter: number): DataId {
  return { client: 1 as SessionId, counter }
}

export function pushOf(counter: number, bytes: Buffer, chain: readonly Address[]): Push {
  return { id: dataId(counter), chain, buffers: [bytes], length: bytes.length, crc32: crc32(bytes) }
}

export function readOf(offset: number, length: number): ReadRequest {
  return { handle: 7 as ChunkHandle, version: 3, offset, length }
}

export function readBytes(bytes: Buffer): ReadBytes {
  return { buffers: [bytes], length: bytes.length, crc32: crc32(bytes) }
}

export interface Received {
  state: 'coming' | 'complete' | 'abandoned'
  bytes: number
  readonly buffers: Buffer[]
}

/** Keeps what is pushed; answers reads as the test says. */
export class RecordingHandler implements DataHandler {
  readonly pushes = new Map<string, Received>()
  /** Replaced by tests that make pushes wait, or refuse them. */
  room: () => void | Promise<void> = () => {}
  read: (request: ReadRequest) => Promise<ReadBytes> = async ({ length, offset }) => readBytes(bytesOf(length, offset))

  beginPush(id: DataId): PushReceiver | undefined | Promise<PushReceiver | undefined> {
    const room = this.room()
    return room ? room.then(() => this.#begin(id)) : this.#begin(id)
  }

  push(counter: number): Received | undefined {
    return this.pushes.get(dataIdText(dataId(counter)))
  }

  #begin(id: DataId): PushReceiver | undefined {
    const key = dataIdText(id)
    if (this.pushes.get(key)?.state === 'complete') return undefined
    const push: Received = { state: 'coming', bytes: 0, buffers: [] }
    this.pushes.set(key, push)
    return {
      write: bytes => {
        push.buffers.push(bytes)
        push.bytes += bytes.length
      },
      complete: () => {
        push.state = 'complete'
      },
      abandon: () => {
        push.state = 'abandoned'
      },
    }
  }
}

export interface TraceLine extends TraceFields {
  readonly event: TraceEvent
}

/** A network in simulated time, with what was traced on it. */
export class Cluster {
  readonly clock = new SimulatedClock()
  readonly network = new MemoryByteNetwork(this.clock)
  readonly traced: TraceLine[] = []
  readonly trace = (event: TraceEvent, fields: TraceFields) => {
    this.traced.push({ event, ...fields })
  }

  async server(
    name: string,
    clusterId = '',
  ): Promise<{ address: Address; handler: RecordingHandler; close(): Promise<void> }> {
    const handler = new RecordingHandler()
    const { clock, network, trace } = this
    const identity = { self: () => name, clusterId: () => clusterId }
    const server = await serveData({ network, listen: local, handler, clock, log: silentLog, trace, ...identity })
    return { address: server.address, handler, close: () => server.close() }
  }

  client(more: Partial<DataClientOptions> = {}): DataClient {
    const { clock, network, trace } = this
    return createDataClient({ network, clock, log: silentLog, trace, self: () => 'client:1', ...more })
  }

  /** A server that only says what it sees. */
  async rawServer(accepted: (peer: RawPeer) => void = () => {}): Promise<{ address: Address; peers: RawPeer[] }> {
    const peers: RawPeer[] = []
    const { address } = await this.network.serve(local, pipe => {
      const peer = new RawPeer(pipe)
      peers.push(peer)
      accepted(peer)
    })
    return { address, peers }
  }

  /** A connection on which the test says what is sent. */
  async rawClient(address: Address, clusterId = ''): Promise<RawPeer> {
    const peer = new RawPeer(await this.network.connect(address, 1000))
    peer.send({ type: 'hello', clusterId, self: 'raw' })
    return peer
  }

  /** Lets time go on, by at most a minute, until `promise` is settled. */
  async until<T>(promise: Promise<T>, stepMs = 10): Promise<T> {
    let settled = false
    const done = promise.finally(() => {
      settled = true
    })
    done.catch(() => {})
    for (let ms = 0; !settled; ms += stepMs) {
      if (ms > 60_000) throw new LeasefsError('TIMEOUT', 'a minute has passed')
      await this.clock.advance(stepMs)
    }
    return done
  }

  dataIds(event: TraceEvent): string[] {
    return this.traced.filter(line => line.event === event).map(line => `${line.from}→${line.to}`)
  }
}

/** One end of a connection that speaks frames and thinks nothing. */
export class RawPeer {
  readonly pipe: BytePipe
  readonly frames: Frame[] = []
  payloadBytes = 0
  closed = false
  /** Called for each frame, and at the end of each payload. */
  onFrame: (frame: Frame, peer: RawPeer) => void = () => {}
  onPayloadEnd: (frame: Frame, peer: RawPeer) => void = () => {}
  readonly #decoder = new FrameDecoder()

  constructor(pipe: BytePipe) {
    this.pipe = pipe
    pipe.onClose(() => {
      this.closed = true
    })
    pipe.onData(bytes => this.#receive(bytes))
  }

  send(frame: Frame, ...payload: Buffer[]): void {
    this.pipe.write([encodeFrame(frame), ...payload])
  }

  sendBytes(...buffers: Buffer[]): void {
    this.pipe.write(buffers)
  }

  /** The frames of one type. */
  got<Type extends Frame['type']>(type: Type): Extract<Frame, { type: Type }>[] {
    return this.frames.filter(frame => frame.type === type) as Extract<Frame, { type: Type }>[]
  }

  #receive(bytes: Buffer): void {
    this.#decoder.append(bytes)
    for (let piece = this.#decoder.next(); piece; piece = this.#decoder.next()) {
      if (piece.kind === 'frame') {
        this.frames.push(piece.frame)
        this.onFrame(piece.frame, this)
      } else {
        this.payloadBytes += piece.bytes.length
        const last = this.frames.at(-1)
        if (piece.last && last) this.onPayloadEnd(last, this)
      }
    }
  }
}

/** The head of a push, as a raw client sends it. */
export function pushFrame(counter: number, bytes: Buffer, chain: readonly Address[] = []): Frame {
  return { type: 'push', number: counter, id: dataId(counter), length: bytes.length, crc32: crc32(bytes), chain }
}

export function chainText(chain: readonly Address[]): string[] {
  return chain.map(addressText)
}
