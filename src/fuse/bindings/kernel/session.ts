// The conversation with the kernel: each request is called, and answered
// exactly once, whatever happens; some (FORGET) are not answered at all.
//
// Invariants:
// - a request is in flight from when it came until its call has ended;
// - its bytes are not given back before its call has ended, answered or not;
// - what a call throws becomes an errno; a broken invariant is answered EIO and
//   then ends the process.

import { AssertionError } from 'node:assert/strict'
import type { Clock } from '../../../base/clock.js'
import { type Deferred, deferred } from '../../../base/deferred.js'
import { LeasefsError } from '../../../base/errors.js'
import type { Logger } from '../../../base/log.js'
import type { Ino } from '../../../client/file-system.js'
import type { Survival } from '../../../client/survival.js'
import { errnoFrom, KernelError } from '../../errno.js'
import type { Device } from './device.js'
import type { Flight, InFlight } from './in-flight.js'
import type { Known } from './known.js'
import { copiedBytesMax } from './limits.js'
import { type Agreed, negotiate } from './negotiation.js'
import { type OpcodeName, opcodeName } from './protocol.js'
import type { Call, Reply, Request } from './request.js'
import { batchForgetIn, forgetIn, forgetOne, inHeader, interruptIn, outHeader } from './structs.js'
import type { UnansweredCalls } from './takeover.js'

export type CallTable = Readonly<Partial<Record<OpcodeName, Call>>>

export interface SessionOptions {
  readonly device: Device
  readonly calls: CallTable
  readonly known: Known
  readonly inFlight: InFlight
  readonly exclusive: boolean
  /** Another process has served this kernel before: it has been greeted. */
  readonly goesOn?: boolean
  /** What is known of calls that were made before, and what calls leave. */
  readonly outcomes?: Pick<Survival, 'outcome' | 'ended'> | undefined
  readonly clock: Clock
  readonly log: Logger
}

type Header = Omit<Request, 'signal' | 'alsoAbout' | 'cause' | 'isDone'> & { readonly pid: number }

const eio = errnoFrom(undefined)
const ebadf = errnoFrom(new KernelError('EBADF', ''))
const enosys = errnoFrom(new KernelError('ENOSYS', ''))
const eagain = errnoFrom(new KernelError('EAGAIN', ''))
const enoent = errnoFrom(new KernelError('ENOENT', ''))
const estale = errnoFrom(new KernelError('ESTALE', ''))
const eintr = errnoFrom(new KernelError('EINTR', ''))

/** Calls that are about an inode and no name. */
const ofInode: ReadonlySet<OpcodeName> = new Set([
  'GETATTR',
  'SETATTR',
  'READLINK',
  'OPEN',
  'OPENDIR',
  'GETXATTR',
  'SETXATTR',
  'LISTXATTR',
  'REMOVEXATTR',
])

/**
 * An inode that is gone, and that the kernel still found by a name, is ESTALE:
 * it then looks the name up again, and finds what stands there now.
 */
function errnoOf(name: OpcodeName, reason: unknown): number {
  const errno = errnoFrom(reason)
  return errno === enoent && ofInode.has(name) ? estale : errno
}

export class Session {
  readonly #options: SessionOptions
  readonly #agreed: Deferred<Agreed> = deferred()
  #ready = false
  #unanswered: Pick<UnansweredCalls, 'begin' | 'end'> | undefined

  constructor(options: SessionOptions) {
    this.#options = options
    this.#agreed.promise.catch(() => {}) // Told to whoever waits for it.
    this.#ready = options.goesOn ?? false
  }

  /** What was agreed on with the kernel. @throws LeasefsError NOT_SUPPORTED, IO: the mount went away first */
  get agreed(): Promise<Agreed> {
    return this.#agreed.promise
  }

  /** From now on it is noted which calls have not been answered. */
  note(unanswered: Pick<UnansweredCalls, 'begin' | 'end'>): void {
    this.#unanswered = unanswered
  }

  /** Resolves when the mount has gone. */
  async run(): Promise<void> {
    await this.#options.device.serve((bytes, release) => this.#receive(bytes, release))
    this.#agreed.reject(new LeasefsError('IO', 'the mount went away before it was ready'))
  }

  #receive(bytes: Buffer, release: () => void): void {
    if (bytes.length < inHeader.size) {
      this.#options.log.error({ length: bytes.length }, 'the kernel sent less than a header')
      release()
      return
    }
    const header = inHeader.read(bytes)
    const { opcode, unique } = header
    const large = bytes.length > copiedBytesMax
    const body = large ? bytes.subarray(inHeader.size) : Buffer.from(bytes.subarray(inHeader.size))
    if (!large) release()
    const ended = large ? release : () => {}
    const name = opcodeName(opcode)
    try {
      if (name === 'INIT') this.#init(unique, body)
      else if (name === 'FORGET') this.#options.known.forgotten(header.nodeid as Ino, forgetIn.read(body).nlookup)
      else if (name === 'BATCH_FORGET') this.#forgetMany(body)
      else if (name === 'INTERRUPT') this.#interrupt(unique, interruptIn.read(body).unique)
      else if (name === 'DESTROY') this.#answer(unique, 0, [])
      else if (!this.#ready) this.#answer(unique, eio, [])
      else {
        this.#call(name, { ...header, ino: header.nodeid as Ino, body }, ended)
        return
      }
    } catch (reason) {
      this.#options.log.error({ err: reason, opcode }, 'a malformed request of the kernel')
    }
    ended()
  }

  #call(name: OpcodeName | undefined, header: Header, ended: () => void): void {
    const call = name && this.#options.calls[name]
    if (!name || !call) {
      this.#answer(header.unique, enosys, [])
      ended()
      return
    }
    const { inFlight, outcomes } = this.#options
    const { unique, opcode, ino, uid, gid, pid, body } = header
    const cause = Math.abs(unique)
    const outcome = outcomes?.outcome(cause)
    if (outcome === 'unknown') {
      this.#answer(unique, eio, [])
      outcomes?.ended(cause)
      ended()
      return
    }
    this.#unanswered?.begin(unique)
    const flight = inFlight.begin(unique, ino, { operation: name, pid })
    const alsoAbout = (other: Ino) => inFlight.addTo(flight, other)
    const isDone = outcome === 'done'
    call({ unique, cause, isDone, opcode, ino, uid, gid, body, signal: () => flight.signal, alsoAbout }).then(
      result => {
        this.#end(flight, ended)
        this.#succeed(flight, result)
      },
      reason => {
        this.#end(flight, ended)
        this.#fail(flight, name, reason)
      },
    )
  }

  #end(flight: Flight, ended: () => void): void {
    this.#options.inFlight.end(flight)
    this.#unanswered?.end(flight.unique)
    ended()
  }

  #succeed(flight: Flight, { pieces, delivered, abandoned }: Reply): void {
    if (!flight.answered && this.#answer(flight.unique, 0, pieces)) delivered?.()
    else abandoned?.()
    this.#options.outcomes?.ended(Math.abs(flight.unique))
  }

  #fail(flight: Flight, name: OpcodeName, reason: unknown): void {
    const { log } = this.#options
    const { goesOn } = this.#options
    // A handle that the earlier process could not leave us: the caller has done nothing wrong.
    const errno = goesOn && errnoOf(name, reason) === ebadf ? eio : errnoOf(name, reason)
    if (!flight.answered) this.#answer(flight.unique, errno, [])
    this.#options.outcomes?.ended(Math.abs(flight.unique))
    if (reason instanceof AssertionError || reason instanceof TypeError || reason instanceof RangeError) {
      setImmediate(() => {
        throw reason
      })
    } else if (errno === eio) log.warn({ err: reason, operation: name }, 'an operation was answered with EIO')
    else log.debug({ operation: name, reason: String(reason) }, 'refused')
  }

  /** False: the kernel does not wait for it any more. */
  #answer(unique: number, errno: number, pieces: readonly Buffer[]): boolean {
    let length = outHeader.size
    for (const piece of pieces) length += piece.length
    const header = outHeader.encode({ len: length, error: -errno, unique })
    return this.#options.device.answer(pieces.length === 0 ? [header] : [header, ...pieces])
  }

  #init(unique: number, body: Buffer): void {
    try {
      const agreed = negotiate(body, this.#options)
      this.#answer(unique, 0, [agreed.answer])
      this.#ready = true
      this.#agreed.resolve(agreed)
    } catch (reason) {
      this.#answer(unique, errnoFrom(reason), [])
      this.#agreed.reject(LeasefsError.from(reason))
    }
  }

  #forgetMany(body: Buffer): void {
    const { count } = batchForgetIn.read(body)
    for (let index = 0; index < count; index++) {
      const { nodeid, nlookup } = forgetOne.read(body, batchForgetIn.size + index * forgetOne.size)
      this.#options.known.forgotten(nodeid as Ino, nlookup)
    }
  }

  /** The kernel asks again after EAGAIN if the request is one that we have not read yet; if it has ended, it does not listen. */
  #interrupt(unique: number, of: number): void {
    const flight = this.#options.inFlight.get(of)
    if (!flight) {
      this.#answer(unique, eagain, [])
      return
    }
    this.#options.inFlight.interrupt(flight, () => this.#answer(flight.unique, eintr, []))
  }
}
