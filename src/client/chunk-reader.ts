// Reading from one chunk: the nearest replica first, then the others; what the
// master must know about a bad one, it is told. Where replicas are damaged in
// different places, each block comes from one that has it. Ends with the bytes
// or with an error: a chunk that can't be read is never made up as zeros. Zeros are only a
// hole, or what lies beyond the end of the replica.

import type { Clock } from '../base/clock.js'
import { LeasefsError } from '../base/errors.js'
import { checksumBlockSize, mutationSizeMax } from '../constants.js'
import type { DataClient } from '../dataplane/data-plane.js'
import { addressText } from '../wire/address.js'
import { handleText, type Ino, type ServerId } from '../wire/ids.js'
import { BlockLostError } from './block-lost.js'
import {
  absentForgetMs,
  damageWaitMs,
  lastTryMs,
  lostForgetMs,
  retryPauseMsMax,
  retryPauseMsMin,
  suspectMs,
  suspectsMax,
} from './limits.js'
import type { LocationCache } from './location-cache.js'
import type { LocatedChunk, PresentChunk, ReplicaServer } from './locations.js'
import { readRecoveryFrom, worthReporting } from './recovery.js'
import type { Session } from './session.js'
import { Troubles } from './troubles.js'
import { type Attempt, Attempts, type Wait, type WaitSource } from './waits.js'

export interface ChunkReaderOptions {
  readonly locations: Pick<LocationCache, 'locate' | 'forget'>
  readonly data: Pick<DataClient, 'read'>
  readonly session: Pick<Session, 'request'>
  readonly clock: Clock
  readonly timeoutMs: number
}

export interface ChunkRange {
  readonly ino: Ino
  /** Of the chunk in the file. */
  readonly index: number
  /** In the chunk. */
  readonly offset: number
  /** At most mutationSizeMax. */
  readonly length: number
}

const zeros = Buffer.alloc(mutationSizeMax)

export class ChunkReader implements WaitSource {
  readonly #options: ChunkReaderOptions
  readonly #attempts = new Attempts()
  readonly #suspects: Suspects
  readonly #lost = new Troubles(lostForgetMs)
  readonly #absent = new Troubles(absentForgetMs)

  constructor(options: ChunkReaderOptions) {
    this.#options = options
    this.#suspects = new Suspects(options.clock)
  }

  /**
   * Exactly `length` bytes, in pieces that follow one another. A chunk that is
   * out of reach is waited for once, not again by reads that follow at once.
   *
   * @throws LeasefsError IO: no replica could be read in time; what the master says, TIMEOUT if it says nothing
   */
  async read(range: ChunkRange): Promise<readonly Buffer[]> {
    const { clock, timeoutMs } = this.#options
    const { ino, index } = range
    const name = `${ino} ${index}`
    const began = clock.now()
    const until = (this.#absent.since(name, began) ?? began) + timeoutMs
    const attempt = this.#attempts.begin({ what: 'read', waitsFor: 'replicas', since: began, until, ino, index })
    try {
      return await this.#read(range, name, attempt)
    } finally {
      attempt.end()
    }
  }

  waits(): Iterable<Wait> {
    return this.#attempts.waits()
  }

  async #read(range: ChunkRange, name: string, attempt: Attempt): Promise<readonly Buffer[]> {
    const { clock, locations, timeoutMs } = this.#options
    const began = attempt.wait.since
    for (let pauseMs = retryPauseMsMin; ; pauseMs = Math.min(2 * pauseMs, retryPauseMsMax)) {
      const { chunk } = await this.#locate(range, name, began)
      if (!chunk) return [zeros.subarray(0, range.length)]
      const servers = chunk.replicas.map(({ data }) => addressText(data))
      attempt.asks(chunk.handle, servers)
      const outcome = await this.#readAny(chunk, range, began)
      if (!(outcome instanceof LeasefsError)) {
        this.#absent.passed(name)
        return outcome
      }
      if (readRecoveryFrom[outcome.code] === 'fail') throw outcome
      locations.forget(range.ino, range.index)
      // What all replicas have lost is being restored, or it never will be.
      const isLost = outcome instanceof BlockLostError
      const since = isLost ? outcome.since : this.#absent.met(name, began, clock.now())
      const deadline = isLost ? Math.min(began + timeoutMs, since + damageWaitMs) : since + timeoutMs
      if (clock.now() + pauseMs >= deadline) throw unreadable(chunk, range, outcome)
      attempt.failed(outcome)
      await clock.sleep(pauseMs)
    }
  }

  /** Not for longer than the chunk is waited for. */
  #locate({ ino, index }: ChunkRange, name: string, began: number): Promise<LocatedChunk> {
    const { clock, locations, timeoutMs } = this.#options
    const since = this.#absent.since(name, clock.now()) ?? began
    const leftMs = Math.max(since + timeoutMs - clock.now(), Math.min(lastTryMs, timeoutMs))
    return new Promise((resolve, reject) => {
      const late = () => {
        this.#absent.met(name, began, clock.now())
        reject(new LeasefsError('TIMEOUT', `where chunk ${index} of inode ${ino} is was not said in time`))
      }
      const cancel = clock.after(leftMs, late)
      locations.locate(ino, index, 'read').finally(cancel).then(resolve, reject)
    })
  }

  /**
   * From the first replica that can; else the error of the last, or the first that says we are out of date.
   */
  async #readAny(chunk: PresentChunk, range: ChunkRange, began: number): Promise<readonly Buffer[] | LeasefsError> {
    const { offset, length } = range
    let error = new LeasefsError('UNAVAILABLE', `chunk ${handleText(chunk.handle)} has no replica that can be reached`)
    let damage: LeasefsError | undefined
    let absence: LeasefsError | undefined
    for (const replica of this.#suspects.last(chunk.replicas)) {
      try {
        const { handle, version } = chunk
        const bytes = await this.#options.data.read(replica.data, { handle, version, offset, length })
        if (bytes.length === length) return bytes.buffers
        return [...bytes.buffers, zeros.subarray(0, length - bytes.length)]
      } catch (reason) {
        if (!(reason instanceof LeasefsError)) throw reason
        error = reason
      }
      this.#failed(chunk, replica, error)
      if (readRecoveryFrom[error.code] !== 'next-replica') return error
      if (isDamage(error)) damage = error
      else absence = error
    }
    const parts = damage && halves(range)
    if (parts) return await this.#readParts(chunk, parts, began)
    if (absence || !damage) return absence ?? error
    const index = Math.floor(offset / checksumBlockSize)
    const since = this.#lost.met(`${chunk.handle} ${index}`, began, this.#options.clock.now())
    return new BlockLostError(chunk.handle, index, since, damage)
  }

  async #readParts(
    chunk: PresentChunk,
    parts: readonly ChunkRange[],
    began: number,
  ): Promise<readonly Buffer[] | LeasefsError> {
    const pieces: Buffer[] = []
    for (const part of parts) {
      const outcome = await this.#readAny(chunk, part, began)
      if (outcome instanceof LeasefsError) return outcome
      pieces.push(...outcome)
    }
    return pieces
  }

  #failed({ handle, version }: PresentChunk, { serverId }: ReplicaServer, { code }: LeasefsError): void {
    if (readRecoveryFrom[code] === 'next-replica') this.#suspects.add(serverId)
    if (!worthReporting(code)) return
    // The master acts on it when it can; the read does not wait, and does not fail for it.
    this.#options.session
      .request({ $case: 'reportReplica', value: { handle, version, serverId, code } })
      .catch(() => {})
  }
}

/** The replica is there, and what was asked of it is not. */
function isDamage({ code }: LeasefsError): boolean {
  return code === 'CORRUPT' || code === 'IO'
}

/** Undefined: it is in one block, which is read whole or not at all. */
function halves(range: ChunkRange): readonly [ChunkRange, ChunkRange] | undefined {
  const { offset, length } = range
  const first = Math.floor(offset / checksumBlockSize)
  const end = Math.ceil((offset + length) / checksumBlockSize)
  if (end - first < 2) return undefined
  const middle = Math.ceil((first + end) / 2) * checksumBlockSize
  return [
    { ...range, length: middle - offset },
    { ...range, offset: middle, length: offset + length - middle },
  ]
}

function unreadable({ handle }: PresentChunk, { ino, index }: ChunkRange, cause: LeasefsError): LeasefsError {
  const message = `chunk ${handleText(handle)} (${index} of inode ${ino}) could not be read: ${cause.message}`
  return new LeasefsError('IO', message, { cause })
}

/** Servers that have just failed: asked last for a while, so that not every read waits for a dead one. */
class Suspects {
  readonly #clock: Clock
  readonly #until = new Map<ServerId, number>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  add(server: ServerId): void {
    if (this.#until.size >= suspectsMax) this.#until.clear()
    this.#until.set(server, this.#clock.now() + suspectMs)
  }

  last(servers: readonly ReplicaServer[]): readonly ReplicaServer[] {
    if (this.#until.size === 0) return servers
    const now = this.#clock.now()
    const isSuspect = ({ serverId }: ReplicaServer) => now < (this.#until.get(serverId) ?? 0)
    return [...servers.filter(server => !isSuspect(server)), ...servers.filter(isSuspect)]
  }
}
