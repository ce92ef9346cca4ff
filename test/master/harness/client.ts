// A master's namespace behind a network in memory, and bare clients of it that
// say exactly what they are told to.

import assert from 'node:assert/strict'
import type { Test } from 'tap'
import type { LeasefsError } from '../../../src/base/errors.js'
import { silentLog } from '../../../src/base/log.js'
import { clientLeaseMs, formatVersion } from '../../../src/constants.js'
import type { ChunkService } from '../../../src/master/chunk-service.js'
import { ClientSessions } from '../../../src/master/clients/client-sessions.js'
import { Requests } from '../../../src/master/clients/requests.js'
import type { Operation } from '../../../src/master/ops/read.js'
import type { ControlStream } from '../../../src/rpc/control-network.js'
import { MemoryControlNetwork } from '../../../src/rpc/memory-network.js'
import type { Address } from '../../../src/wire/address.js'
import type { ClientHello, ClientToMaster, MasterToClient, Reply } from '../../../src/wire/gen/client.js'
import { type Attributes, FileType, type Lock, LockKind, type LockType } from '../../../src/wire/gen/common.js'
import { MasterService } from '../../../src/wire/gen/services.js'
import type { ClusterId, Ino } from '../../../src/wire/ids.js'
import { Namespace, type NamespaceOptions } from './namespace.js'

export const clusterId = 'c1a57e42-0000-4000-8000-000000000000' as ClusterId

const nowhere: ChunkService = {
  locate: async () => ({ chunks: [] }),
  report: async () => {},
  space: () => ({ totalBytes: 300, freeBytes: 200 }),
  dropped: () => {},
  handlers: () => [],
  close: async () => {},
}

export class TestMaster {
  readonly namespace: Namespace
  readonly sessions: ClientSessions
  readonly network: MemoryControlNetwork
  readonly address: Address

  static async start(
    t: Test,
    {
      chunks = nowhere,
      sessionMs,
      ...options
    }: NamespaceOptions & { readonly chunks?: ChunkService; readonly sessionMs?: number } = {},
  ): Promise<TestMaster> {
    let sessions: ClientSessions | undefined
    const namespace = await Namespace.open({
      sessions: 0,
      ...options,
      committed: (committed, origin) => sessions?.committed(committed, origin),
    })
    const { state, executor, journal, clock } = namespace
    const recall = (ino: Ino) => void sessions?.invalidate(ino)
    const requests = new Requests({ state, executor, journal, chunks, goal: 3, recall })
    sessions = new ClientSessions({ clusterId, state, executor, requests, sessionMs, clock, log: silentLog })
    const network = new MemoryControlNetwork(clock)
    const server = await network.serve({ host: '127.0.0.1', port: 0 }, [sessions.handler()])
    const master = new TestMaster(namespace, sessions, network, server.address)
    t.teardown(async () => {
      master.sessions.close()
      await server.close()
    })
    return master
  }

  constructor(namespace: Namespace, sessions: ClientSessions, network: MemoryControlNetwork, address: Address) {
    this.namespace = namespace
    this.sessions = sessions
    this.network = network
    this.address = address
  }

  /** A client that has said hello and been welcomed. */
  async connect(hello: Partial<ClientHello> = {}): Promise<TestClient> {
    const client = this.open()
    client.hello(hello)
    await this.settle()
    const welcome = client.welcome
    assert(welcome, 'no welcome')
    client.sessionId = welcome.sessionId
    return client
  }

  /** A stream on which nothing has been said. */
  open(): TestClient {
    return new TestClient(this, this.network.connect(this.address).open(MasterService.clientSession))
  }

  /** Lets everything happen that needs no time. */
  async settle(): Promise<void> {
    for (let round = 0; round < 4; round++) await this.namespace.clock.advance(0)
  }

  async advance(ms: number): Promise<void> {
    await this.namespace.clock.advance(ms)
    await this.settle()
  }
}

export class TestClient {
  readonly master: TestMaster
  readonly stream: ControlStream<ClientToMaster, MasterToClient>
  readonly received: Exclude<MasterToClient['message'], undefined>[] = []
  sessionId = 0
  closed: LeasefsError | undefined
  #number = 0

  constructor(master: TestMaster, stream: ControlStream<ClientToMaster, MasterToClient>) {
    this.master = master
    this.stream = stream
    stream.onMessage(({ message }) => {
      if (message) this.received.push(message)
    })
    stream.onClose(reason => {
      this.closed = reason
    })
  }

  hello(hello: Partial<ClientHello> = {}): void {
    this.send({
      $case: 'hello',
      value: { clusterId: '', sessionId: 0, description: 'test', formatVersion, ...hello },
    })
  }

  send(message: ClientToMaster['message']): void {
    this.stream.send({ message })
  }

  /** Sends an operation; its number. */
  ask(operation: Operation, number = this.#number + 1, answeredThrough = 0): number {
    this.#number = Math.max(this.#number, number)
    this.send({ $case: 'request', value: { number, answeredThrough, operation } })
    return number
  }

  /** Sends an operation; its reply, without time passing. */
  async call(operation: Operation): Promise<Reply> {
    const number = this.ask(operation)
    await this.master.settle()
    const reply = this.reply(number)
    assert(reply, `no reply to ${operation.$case}`)
    return reply
  }

  async make(parent: number, name: string, type: FileType = FileType.REGULAR): Promise<Attributes> {
    const reply = await this.call(make(parent, name, type))
    assert(reply.result?.$case === 'attributes', JSON.stringify(reply.failure))
    return reply.result.value
  }

  ping(number = 1): void {
    this.send({ $case: 'ping', value: { number } })
  }

  acknowledge(number: number): void {
    this.send({ $case: 'invalidated', value: { number } })
  }

  /** The last reply with this number, if it has come. */
  reply(number: number): Reply | undefined {
    const replies = this.received.flatMap(message => (message.$case === 'reply' ? [message.value] : []))
    return replies.filter(reply => reply.number === number).at(-1)
  }

  get welcome() {
    return this.received.flatMap(message => (message.$case === 'welcome' ? [message.value] : [])).at(-1)
  }

  get invalidates() {
    return this.received.flatMap(message => (message.$case === 'invalidate' ? [message.value] : []))
  }

  get pongs(): number[] {
    return this.received.flatMap(message => (message.$case === 'pong' ? [message.value.number] : []))
  }
}

export function make(parent: number, name: string, type: FileType = FileType.REGULAR): Operation {
  const inode = { mode: 0o644, uid: 0, gid: 0, rdev: 0, symlinkTarget: Buffer.alloc(0) }
  return { $case: 'make', value: { parent, name: Buffer.from(name), type, ...inode, exclusive: true, open: false } }
}

export function lookup(parent: number, name: string): Operation {
  return { $case: 'lookup', value: { parent, name: Buffer.from(name) } }
}

export function unlink(parent: number, name: string): Operation {
  return { $case: 'unlink', value: { parent, name: Buffer.from(name) } }
}

export function chmod(ino: number, mode: number): Operation {
  const times = { atime: undefined, mtime: undefined, atimeNow: false, mtimeNow: false }
  return { $case: 'setAttributes', value: { ino: ino as Ino, mode, ...times, killPrivileges: false, usage: [] } }
}

/** Of the whole file and POSIX unless it says otherwise. */
export function setLock(
  ino: number,
  owner: string,
  type: LockType,
  more: Partial<Lock & { wait: boolean }> = {},
): Operation {
  const { wait = false, ...range } = more
  const lock = { kind: LockKind.POSIX, type, start: 0, end: 0, owner: Buffer.from(owner), pid: 1, ...range }
  return { $case: 'setLock', value: { ino, lock, wait } }
}

export const leaseMs = clientLeaseMs
