// A scripted master for the tests of the client: it answers as it is told,
// over an in-memory network, in simulated time.

import type { Test } from 'tap'
import { LeasefsError } from '../../../src/base/errors.js'
import { silentLog } from '../../../src/base/log.js'
import { SimulatedClock } from '../../../src/base/simulated-clock.js'
import type { Operation, Result } from '../../../src/client/requests.js'
import { Session } from '../../../src/client/session.js'
import { clientLeaseMs } from '../../../src/constants.js'
import { type ControlServer, type ControlStream, stream } from '../../../src/rpc/control-network.js'
import { MemoryControlNetwork } from '../../../src/rpc/memory-network.js'
import type { ClientHello, ClientToMaster, MasterToClient, Request } from '../../../src/wire/gen/client.js'
import { type Attributes, FileType } from '../../../src/wire/gen/common.js'
import { MasterService } from '../../../src/wire/gen/services.js'

export const clusterId = '11111111-1111-4111-8111-111111111111'

/** An answer; 'later': none yet (see answerLater). */
export type Scripted = Result | LeasefsError | 'later'

export class ScriptedMaster {
  readonly clock = new SimulatedClock()
  readonly network = new MemoryControlNetwork(this.clock)
  readonly hellos: ClientHello[] = []
  readonly requests: Request[] = []
  readonly acknowledged: number[] = []
  goodbyes = 0
  /** Whether it ends the stream of who says goodbye. */
  hears = true
  /** Whether pings are answered. */
  pongs = true
  /** What the next welcome says. */
  resumed = true
  sessionId = 7
  refuse: LeasefsError | undefined
  /** What replies say of other inodes that were changed. */
  changed: Attributes[] = []
  answer: (operation: Operation) => Scripted = () => done
  #stream: ControlStream<MasterToClient, ClientToMaster> | undefined
  #server: ControlServer | undefined
  #address = { host: '127.0.0.1', port: 7400 }

  get address() {
    return this.#address
  }

  async start(): Promise<this> {
    const handler = stream(MasterService.clientSession, opened => {
      this.#stream = opened
      opened.onMessage(({ message }) => this.#received(message))
    })
    this.#server = await this.network.serve(this.#address, [handler])
    return this
  }

  /** Nobody listens any more, and every stream is broken. */
  async stop(): Promise<void> {
    this.cut()
    await this.#server?.close()
  }

  /** Everything that is under way arrives. */
  async settle(ms = 0): Promise<void> {
    await this.clock.advance(ms)
  }

  openSession(more: { timeoutMs?: number; clusterId?: string; connectTimeoutMs?: number } = {}): Promise<Session> {
    return Session.open({
      ...{ master: this.#address, network: this.network, clock: this.clock, log: silentLog },
      ...{ description: 'test', timeoutMs: 60_000, connectTimeoutMs: 5000, ...more },
    })
  }

  /** A session, opened, and closed with the test. */
  async session(t: Test, more: { timeoutMs?: number } = {}): Promise<Session> {
    const opening = this.openSession(more)
    await this.settle()
    const session = await opening
    t.teardown(() => session.close())
    return session
  }

  invalidate(number: number, inos: number[]): void {
    this.send({ $case: 'invalidate', value: { number, inos } })
  }

  reply(number: number, scripted: Result | LeasefsError): void {
    const failure = scripted instanceof LeasefsError ? { code: scripted.code, message: scripted.message } : undefined
    const result = scripted instanceof LeasefsError ? undefined : scripted
    this.send({ $case: 'reply', value: { number, failure, result, changed: this.changed } })
  }

  send(message: MasterToClient['message']): void {
    this.#stream?.send({ message })
  }

  /** Breaks the stream; the client opens another. */
  cut(): void {
    this.network.reset(this.#address)
  }

  /** The kinds of what was asked, in order. */
  get asked(): string[] {
    return this.requests.map(({ operation }) => operation?.$case ?? '')
  }

  #received(message: ClientToMaster['message']): void {
    if (message?.$case === 'hello') this.#welcome(message.value)
    else if (message?.$case === 'request') this.#request(message.value)
    else if (message?.$case === 'invalidated') this.acknowledged.push(message.value.number)
    else if (message?.$case === 'ping' && this.pongs) this.send({ $case: 'pong', value: message.value })
    else if (message?.$case === 'goodbye') {
      this.goodbyes++
      if (this.hears) this.#stream?.close()
    }
  }

  #welcome(hello: ClientHello): void {
    this.hellos.push(hello)
    const { resumed, sessionId, refuse } = this
    const failure = refuse && { code: refuse.code, message: refuse.message }
    this.send({ $case: 'welcome', value: { clusterId, sessionId, resumed, clientLeaseMs, failure } })
  }

  #request(request: Request): void {
    this.requests.push(request)
    if (!request.operation) return
    const scripted = this.answer(request.operation)
    if (scripted !== 'later') this.reply(request.number, scripted)
  }
}

export const done: Result = { $case: 'done', value: {} }

export function attributesOf(ino: number, more: Partial<Attributes> = {}): Attributes {
  const time = { seconds: 1, nanos: 0 }
  return {
    ...{
      ino,
      type: FileType.REGULAR,
      mode: 0o644,
      uid: 0,
      gid: 0,
      nlink: 1,
      size: 0,
      rdev: 0,
      goal: 1,
      allocatedBytes: 0,
    },
    ...{ atime: time, mtime: time, ctime: time },
    ...more,
  }
}

export function attributesResult(ino: number, more: Partial<Attributes> = {}): Result {
  return { $case: 'attributes', value: attributesOf(ino, more) }
}

export const lookupOf = (name: string): Operation => ({
  $case: 'lookup',
  value: { parent: 1, name: Buffer.from(name) },
})

/** Resolves to 'pending' if the promise has not settled by now. */
export async function stateOf(promise: Promise<unknown>): Promise<'pending' | 'resolved' | 'rejected'> {
  return Promise.race([
    promise.then(
      () => 'resolved' as const,
      () => 'rejected' as const,
    ),
    new Promise<'pending'>(resolve => setImmediate(() => setImmediate(() => resolve('pending')))),
  ])
}
