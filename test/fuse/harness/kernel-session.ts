// The kernel binding with a test in the kernel's place, on a file system in memory.

import assert from 'node:assert/strict'
import { type Deferred, deferred } from '../../../src/base/deferred.js'
import { type Logger, silentLog } from '../../../src/base/log.js'
import type { Device } from '../../../src/fuse/bindings/kernel/device.js'
import { InFlight } from '../../../src/fuse/bindings/kernel/in-flight.js'
import { callTable } from '../../../src/fuse/bindings/kernel/index.js'
import { Known } from '../../../src/fuse/bindings/kernel/known.js'
import { type OpcodeName, opcodes } from '../../../src/fuse/bindings/kernel/protocol.js'
import { type CallTable, Session, type SessionOptions } from '../../../src/fuse/bindings/kernel/session.js'
import { inHeader, initIn, outHeader } from '../../../src/fuse/bindings/kernel/structs.js'
import { caller, memoryOperations, root } from './memory-operations.js'

export interface Answer {
  /** 0, or an errno. */
  readonly errno: number
  readonly body: Buffer
}

/** Answers are kept by the request they are for. */
export class FakeDevice implements Device {
  readonly answers = new Map<number, Answer[]>()
  readonly notifications: Buffer[] = []
  /** Of requests that were interrupted: no one waits for them. */
  readonly abandoned = new Set<number>()
  readonly #gone = deferred<void>()
  readonly #heard = new Map<number, Deferred<Answer>>()
  #handle: ((request: Buffer, release: () => void) => void) | undefined

  serve(handle: (request: Buffer, release: () => void) => void): Promise<void> {
    this.#handle = handle
    return this.#gone.promise
  }

  answer(pieces: readonly Buffer[]): boolean {
    const bytes = Buffer.concat(pieces)
    const { len, error, unique } = outHeader.read(bytes)
    assert.equal(len, bytes.length, 'the length in the header')
    assert(error <= 0 && (error === 0 || len === outHeader.size), 'an error has nothing behind it')
    if (this.abandoned.has(unique)) return false
    const answer = { errno: -error, body: bytes.subarray(outHeader.size) }
    this.answers.set(unique, [...(this.answers.get(unique) ?? []), answer])
    this.#heard.get(unique)?.resolve(answer)
    return true
  }

  async notify(message: Buffer): Promise<boolean> {
    this.notifications.push(message)
    return true
  }

  close(): void {
    this.#gone.resolve()
  }

  /** Resolves with the first answer. */
  heard(unique: number): Promise<Answer> {
    const heard = this.#heard.get(unique) ?? deferred<Answer>()
    this.#heard.set(unique, heard)
    return heard.promise
  }

  send(request: Buffer, release: () => void): void {
    this.#handle?.(request, release)
  }
}

export interface Sent {
  readonly unique: number
  readonly answer: Promise<Answer>
  /** Whether the bytes of the request have been given back. */
  readonly released: () => boolean
}

export interface KernelOptions {
  /** Calls instead of those of the binding. */
  readonly calls?: CallTable
  readonly exclusive?: boolean
  /** Whether INIT has been answered already. Default true. */
  readonly ready?: boolean
  /** Another process has served this kernel before, and has left this. */
  readonly outcomes?: SessionOptions['outcomes']
}

export async function kernelSession({ calls, exclusive = false, ready = true, outcomes }: KernelOptions = {}) {
  const goesOn = outcomes !== undefined
  const { clock, fileSystem, operations } = memoryOperations()
  const device = new FakeDevice()
  const known = new Known(() => {})
  const inFlight = new InFlight(clock)
  const logged: object[] = []
  const log = Object.assign(Object.create(silentLog), { error: (fields: object) => void logged.push(fields) }) as Logger
  const context = { operations, known, exclusive }
  const table = { ...callTable(context), ...calls }
  const session = new Session({ device, calls: table, known, inFlight, exclusive, goesOn, outcomes, clock, log })
  const run = session.run()
  let unique = 0

  /** As the kernel sends it; from `caller` and about the root if nothing else is said. */
  function send(opcode: OpcodeName | number, body: Buffer, { ino = root as number, again = 0 } = {}): Sent {
    unique += 2
    const name = again > 0 ? -again : unique
    const number = typeof opcode === 'number' ? opcode : opcodes[opcode]
    const head = { len: inHeader.size + body.length, opcode: number, unique: name, nodeid: ino, ...caller, pid: 7 }
    let releases = 0
    const answer = device.heard(name)
    device.send(Buffer.concat([inHeader.encode(head), body]), () => {
      assert.equal(++releases, 1, 'given back once')
    })
    return { unique: name, answer, released: () => releases === 1 }
  }

  function ask(opcode: OpcodeName | number, body: Buffer, about?: { ino?: number; again?: number }): Promise<Answer> {
    return send(opcode, body, about).answer
  }

  if (ready && !goesOn) await ask('INIT', initIn.encode({ major: 7, minor: 38, maxReadahead: 0, flags: 0 }))
  return { ask, clock, context, device, fileSystem, inFlight, known, logged, operations, run, send, session }
}

/** Names as they stand in a request. */
export function texts(...names: readonly string[]): Buffer {
  return Buffer.from(names.map(name => `${name}\0`).join(''))
}
