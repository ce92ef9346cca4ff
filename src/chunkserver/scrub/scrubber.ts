// Goes through all replicas, again and again, and reads each from the disk
// itself: what nobody reads rots unseen, until the last good copy is needed.
//
// It takes its time: so many bytes a second at most, and it gives way to
// clients, but not for ever. What it finds damaged is restored (mender.ts); a
// replica whose file is gone is given up, so that it is made again; files that
// nobody knows are told of, and left alone.

import type { Clock } from '../../base/clock.js'
import { LeasefsError } from '../../base/errors.js'
import type { Logger } from '../../base/log.js'
import { checksumBlockSize } from '../../constants.js'
import type { ScrubStatus } from '../../wire/gen/common.js'
import { type ChunkHandle, handleText } from '../../wire/ids.js'
import { scrubBatchMax, scrubPassMs, scrubSaveMs, scrubYieldMs, scrubYieldsMax } from '../limits.js'
import type { Replicas } from '../replicas.js'
import { BlockMap } from '../store/block-map.js'
import { type ChunkStore, verifyBlocksMax } from '../store/chunk-store.js'
import type { Damage } from './damage.js'
import { nothingScrubbed, type ScrubState, type ScrubStateStore } from './scrub-state.js'

export interface ScrubberOptions {
  readonly store: ChunkStore
  readonly replicas: Pick<Replicas, 'isFailed'>
  readonly damage: Damage
  /** The replica's file is not there any more. Resolves when the replica isn't either. */
  readonly gone: (handle: ChunkHandle) => Promise<void>
  /** Clients are being served just now. */
  readonly isBusy: () => boolean
  /** 0: nothing is verified unless someone asks for it. */
  readonly bytesPerSecond: number
  readonly state: ScrubStateStore
  readonly clock: Clock
  readonly log: Logger
}

const msPerNs = 1_000_000n

export class Scrubber {
  readonly #options: ScrubberOptions
  readonly #stop = new AbortController()
  #state: ScrubState = nothingScrubbed
  #savedAt = Number.NEGATIVE_INFINITY
  /** Of the pass under way; undefined between passes. */
  #rate: number | undefined
  /** An operator wants a pass now, at this rate. */
  #asked: number | undefined
  #wake = () => {}
  #running: Promise<void> = Promise.resolve()
  #nextAt = 0
  #progress = { done: 0, total: 0 }
  #counts = { verifiedBytes: 0, headersMended: 0, gone: 0, strangers: 0 }

  constructor(options: ScrubberOptions) {
    this.#options = options
  }

  start(): void {
    this.#running = this.#run()
  }

  async close(): Promise<void> {
    this.#stop.abort()
    this.#wake()
    await this.#running
    if (this.#state !== nothingScrubbed) await this.#save()
  }

  /** A pass over everything begins now. 0: at the usual rate, or without a limit if there is none. */
  startPass(bytesPerSecond: number): void {
    const { log, bytesPerSecond: usual } = this.#options
    this.#asked = bytesPerSecond || usual || Number.POSITIVE_INFINITY
    log.info({ bytesPerSecond }, 'all replicas are to be verified now')
    this.#wake()
  }

  get status(): ScrubStatus {
    const { done, total } = this.#progress
    const { found, mended } = this.#options.damage.counts
    const rate = this.#rate ?? this.#options.bytesPerSecond
    return {
      bytesPerSecond: Number.isFinite(rate) ? rate : 0,
      running: this.#rate !== undefined,
      percent: total > 0 ? Math.min(100, Math.floor((100 * done) / total)) : 0,
      lastPassMs: this.#state.endedAt,
      foundBlocks: found,
      mendedBlocks: mended,
      goneReplicas: this.#counts.gone,
      strangeFiles: this.#counts.strangers,
      verifiedBytes: this.#counts.verifiedBytes,
    }
  }

  async #run(): Promise<void> {
    this.#state = await this.#options.state.load()
    while (!this.#stop.signal.aborted) {
      const rate = this.#due()
      if (rate === undefined) {
        await this.#idle()
        continue
      }
      this.#rate = rate
      await this.#pass()
      this.#rate = undefined
    }
  }

  /** The rate of the pass that is to begin, or to go on, now. */
  #due(): number | undefined {
    const { bytesPerSecond } = this.#options
    const asked = this.#asked
    this.#asked = undefined
    if (asked !== undefined) {
      this.#state = { ...this.#state, position: 0, startedAt: this.#now() }
      return asked
    }
    if (bytesPerSecond === 0) return undefined
    if (this.#state.position > 0) return bytesPerSecond
    if (this.#now() < this.#state.startedAt + scrubPassMs) return undefined
    this.#state = { ...this.#state, startedAt: this.#now() }
    return bytesPerSecond
  }

  /** Until a pass may be due. */
  async #idle(): Promise<void> {
    await new Promise<void>(resolve => {
      const cancel = this.#options.clock.after(scrubSaveMs, resolve)
      this.#wake = () => {
        cancel()
        resolve()
      }
    })
    this.#wake = () => {}
  }

  /** From the position to the end, unless it is stopped or begun anew. */
  async #pass(): Promise<void> {
    const { store, log, state } = this.#options
    await state.save(this.#state)
    for (;;) {
      const handles = this.#nextHandles()
      for (const handle of handles) {
        await this.#scrub(handle)
        if (this.#stop.signal.aborted || this.#asked !== undefined) return
        this.#state = { ...this.#state, position: handle }
        this.#progress.done++
        if (this.#options.clock.now() - this.#savedAt >= scrubSaveMs) await this.#save()
      }
      if (handles.length === 0) break
    }
    const strangers = await store.strangers().catch(reason => {
      log.warn({ err: reason }, 'the directory of replicas was not looked through')
      return []
    })
    if (strangers.length > 0) log.warn({ files: strangers.slice(0, 16), count: strangers.length }, 'files nobody knows')
    this.#counts.strangers = strangers.length
    this.#state = { ...this.#state, position: 0, endedAt: this.#now() }
    await this.#save()
    log.info(this.status, 'all replicas were verified')
  }

  /** The next scrubBatchMax replicas in order, and how many there are on either side. */
  #nextHandles(): ChunkHandle[] {
    const after: ChunkHandle[] = []
    let total = 0
    for (const { handle } of this.#options.store.list()) {
      total++
      if (handle > this.#state.position) after.push(handle)
    }
    this.#progress = { done: total - after.length, total }
    return after.sort((a, b) => a - b).slice(0, scrubBatchMax)
  }

  async #scrub(handle: ChunkHandle): Promise<void> {
    const { store, replicas, damage, log } = this.#options
    const stored = store.stat(handle)
    // One in doubt is being compared with others, and has the checksums of what it holds.
    if (!stored || stored.version === 0 || stored.doubtful || replicas.isFailed(handle)) return
    try {
      await this.#inspect(handle)
      if (!store.stat(handle)) return
      const { blocks, length } = await store.extents(handle)
      const count = Math.ceil(length / checksumBlockSize)
      const map = new BlockMap(blocks, count)
      for (let first = 0; first < count; first += verifyBlocksMax) {
        const end = Math.min(count, first + verifyBlocksMax)
        if (!hasAny(map, first, end)) continue
        await this.#turn((end - first) * checksumBlockSize)
        if (this.#stop.signal.aborted || this.#asked !== undefined) return
        damage.found(handle, await store.verify(handle, first, end))
        this.#counts.verifiedBytes += (end - first) * checksumBlockSize
      }
    } catch (reason) {
      if (!(reason instanceof LeasefsError)) throw reason
      // It has been deleted meanwhile, or will be looked at in the next pass.
      if (reason.code !== 'NOT_FOUND') log.warn({ err: reason, handle: handleText(handle) }, 'replica not verified')
    }
  }

  async #inspect(handle: ChunkHandle): Promise<void> {
    const { store, gone, log } = this.#options
    const inspected = await store.inspect(handle)
    if (inspected === 'good') return
    if (inspected === 'mended') {
      this.#counts.headersMended++
      log.error({ handle: handleText(handle) }, 'the header of a replica was not as written, and was written again')
      return
    }
    this.#counts.gone++
    log.error({ handle: handleText(handle) }, 'the file of a replica is gone: it must be made again')
    await gone(handle)
  }

  /** Resolves when so many bytes may be read: not too fast, and not while clients are served, unless that lasts. */
  async #turn(bytes: number): Promise<void> {
    const { clock, isBusy } = this.#options
    const rate = this.#rate ?? Number.POSITIVE_INFINITY
    const waitMs = this.#nextAt - clock.now()
    this.#nextAt = Math.max(this.#nextAt, clock.now()) + (bytes * 1000) / rate
    if (waitMs > 0) await this.#sleep(waitMs)
    for (let yields = 0; yields < scrubYieldsMax && isBusy(); yields++) await this.#sleep(scrubYieldMs)
  }

  /** Shorter if it is stopped. */
  async #sleep(ms: number): Promise<void> {
    await this.#options.clock.sleep(ms, this.#stop.signal).catch(() => {})
  }

  async #save(): Promise<void> {
    this.#savedAt = this.#options.clock.now()
    await this.#options.state.save(this.#state)
  }

  #now(): number {
    return Number(this.#options.clock.wallNs() / msPerNs)
  }
}

function hasAny(map: BlockMap, first: number, end: number): boolean {
  for (let index = first; index < end; index++) if (map.has(index)) return true
  return false
}
