// What one session may cache, and until when (docs/PROTOCOL.md, "Client
// sessions"). The client may use what it cached until its lease ends by its own
// clock, counted from when it sent a ping; the master counts from when it
// answered, so the client always stops first.
//
// Invariants:
// - whoever changes an inode waits for every session that may have it cached:
//   for its Invalidated, or the end of its lease;
// - a lease is not renewed while an Invalidate from before the ping is
//   unanswered, so no wait is longer than a lease or two;
// - an Invalidate never overtakes an answer that says the older thing: it is
//   sent after the answers under way that are about the same inodes.

import type { Clock } from '../../base/clock.js'
import { type Deferred, deferred } from '../../base/deferred.js'
import type { Invalidate } from '../../wire/gen/client.js'
import type { Ino } from '../../wire/ids.js'
import type { Interest } from './interest.js'
import { cachedInosMax, cachedInosTotalMax, recalledInosLength } from './limits.js'

/** One Invalidate that has not been answered. */
interface Invalidation {
  readonly number: number
  readonly inos: readonly Ino[]
  /** Resolved when the client has dropped them, or its lease has ended. */
  readonly done: Deferred<void>
}

/** An answer that has been decided but not sent. */
interface PendingAnswer {
  readonly inos: readonly Ino[]
  readonly sent: Deferred<void>
}

/** Whether an inode was taken back since the watch began. */
export interface Watch {
  readonly ino: Ino
  changed: boolean
  end(): void
}

type Send = (message: Invalidate) => void

export interface CacheLeaseOptions {
  readonly clock: Clock
  readonly leaseMs: number
  readonly interest: Interest<CacheLease>
  readonly cachedInosMax?: number
  readonly cachedInosTotalMax?: number
}

export class CacheLease {
  readonly #clock: Clock
  readonly #leaseMs: number
  readonly #interest: Interest<CacheLease>
  readonly #cachedMax: number
  readonly #totalMax: number
  /** What the client may have cached, in the order it was told. */
  readonly #cached = new Set<Ino>()
  /** The last Invalidate that names an inode, while it is unanswered. */
  readonly #clearing = new Map<Ino, Invalidation>()
  readonly #unanswered = new Map<number, Invalidation>()
  readonly #pending = new Set<PendingAnswer>()
  /** Invalidates that wait for an answer to be sent before them. */
  readonly #withheld = new Set<Promise<void>>()
  readonly #watches = new Set<Watch>()
  #send: Send | undefined
  #leaseEnds: number
  #number = 0
  /** After a restart of the master: what the client has cached is not known. */
  #unknown: Deferred<void> | undefined
  #heldPong: (() => void) | undefined
  #cancelTimer: (() => void) | undefined
  #ended = false

  /** Of a client that may have anything cached until it comes back, or its lease ends. */
  constructor(options: CacheLeaseOptions) {
    this.#clock = options.clock
    this.#leaseMs = options.leaseMs
    this.#interest = options.interest
    this.#cachedMax = options.cachedInosMax ?? cachedInosMax
    this.#totalMax = options.cachedInosTotalMax ?? cachedInosTotalMax
    this.#leaseEnds = this.#clock.now() + this.#leaseMs
    this.#unknown = deferred()
    this.#watch()
  }

  /** A stream of the client has begun, with nothing cached: the lease counts from now. */
  attach(send: Send): void {
    this.#forget()
    this.#send = send
    this.#leaseEnds = this.#clock.now() + this.#leaseMs
  }

  /** The stream is gone. What is cached may be used until the lease ends. */
  detach(): void {
    this.#send = undefined
    this.#heldPong = undefined
  }

  /** The session has ended, and with it whatever the client had cached; and what it is told from now on. */
  end(): void {
    this.#ended = true
    this.detach()
    this.#forget()
    this.#cancelTimer?.()
  }

  /** The client is being told about these, and may cache it. */
  register(inos: readonly Ino[]): void {
    if (this.#ended) return
    for (const ino of inos) {
      if (this.#cached.has(ino)) continue
      this.#cached.add(ino)
      this.#interest.add(ino, this)
    }
    while (this.#cached.size > this.#cachedMax) this.#recallOldest()
    const crowded = this.#interest.size > this.#totalMax && this.#unanswered.size === 0
    if (crowded && this.#cached.size > recalledInosLength) this.#recallOldest()
  }

  /** An answer about these is on its way; call the returned function when it has been sent, or will not be. */
  beginAnswer(inos: readonly Ino[]): () => void {
    const answer = { inos, sent: deferred<void>() }
    this.#pending.add(answer)
    return () => {
      this.#pending.delete(answer)
      answer.sent.resolve()
    }
  }

  /** For an answer that takes time to find: what it will say of the inode may be taken back before it is sent. */
  watch(ino: Ino): Watch {
    const watch = { ino, changed: false, end: () => this.#watches.delete(watch) }
    this.#watches.add(watch)
    return watch
  }

  /** Has the client drop what it cached about these. Undefined if it has nothing; else resolves when it may not use it any more. */
  invalidate(inos: readonly Ino[]): Promise<void> | undefined {
    for (const watch of this.#watches) if (inos.includes(watch.ino)) watch.changed = true
    if (this.#unknown) return this.#unknown.promise
    const waits = new Set<Promise<void>>()
    const fresh: Ino[] = []
    for (const ino of inos) {
      const clearing = this.#clearing.get(ino)
      if (clearing) waits.add(clearing.done.promise)
      if (this.#cached.delete(ino)) fresh.push(ino)
    }
    if (fresh.length > 0) waits.add(this.#invalidate(fresh))
    return waits.size === 0 || this.#lapsed() ? undefined : Promise.all(waits).then(() => {})
  }

  /** The client may have anything cached: it has not come back since the master restarted. */
  get unknown(): Promise<void> | undefined {
    return this.#unknown?.promise
  }

  acknowledged(number: number): void {
    const invalidation = this.#unanswered.get(number)
    if (invalidation) this.#resolve(invalidation)
  }

  /** Renews the lease and calls `pong`, as soon as every Invalidate sent before has been answered. */
  ping(pong: () => void): void {
    const held = this.#heldPong !== undefined
    this.#heldPong = pong
    if (held) return
    const before = [...this.#withheld, ...[...this.#unanswered.values()].map(({ done }) => done.promise)]
    if (before.length === 0) this.#renew()
    else void Promise.all(before).then(() => this.#renew())
  }

  #renew(): void {
    const pong = this.#heldPong
    if (!pong) return // The stream that asked is gone.
    this.#heldPong = undefined
    this.#leaseEnds = this.#clock.now() + this.#leaseMs
    pong()
  }

  #invalidate(inos: readonly Ino[]): Promise<void> {
    const invalidation = { number: ++this.#number, inos, done: deferred<void>() }
    this.#unanswered.set(invalidation.number, invalidation)
    for (const ino of inos) this.#clearing.set(ino, invalidation)
    this.#watch()
    this.#sendAfterAnswers(invalidation)
    return invalidation.done.promise
  }

  #sendAfterAnswers({ number, inos }: Invalidation): void {
    const send = this.#send
    const named = new Set(inos)
    const before = [...this.#pending].filter(answer => answer.inos.some(ino => named.has(ino)))
    if (before.length === 0) {
      send?.({ number, inos: [...inos] })
      return
    }
    const sent = Promise.all(before.map(({ sent }) => sent.promise)).then(() => {
      this.#withheld.delete(sent)
      if (send === this.#send) send?.({ number, inos: [...inos] })
    })
    this.#withheld.add(sent)
  }

  #recallOldest(): void {
    const oldest: Ino[] = []
    for (const ino of this.#cached) {
      oldest.push(ino)
      this.#cached.delete(ino)
      if (oldest.length === recalledInosLength) break
    }
    void this.#invalidate(oldest)
  }

  #resolve(invalidation: Invalidation): void {
    this.#unanswered.delete(invalidation.number)
    for (const ino of invalidation.inos) {
      if (this.#clearing.get(ino) !== invalidation) continue
      this.#clearing.delete(ino)
      if (!this.#cached.has(ino)) this.#interest.remove(ino, this)
    }
    invalidation.done.resolve()
  }

  #resolveAll(): void {
    this.#unknown?.resolve()
    this.#unknown = undefined
    for (const invalidation of [...this.#unanswered.values()]) this.#resolve(invalidation)
  }

  #forget(): void {
    this.#resolveAll()
    for (const watch of this.#watches) watch.changed = true
    for (const ino of this.#cached) this.#interest.remove(ino, this)
    this.#cached.clear()
  }

  #lapsed(): boolean {
    return this.#clock.now() >= this.#leaseEnds
  }

  /** Ends the waits when the lease ends; it may have been renewed by then. */
  #watch(): void {
    if (this.#cancelTimer) return
    this.#cancelTimer = this.#clock.after(Math.max(0, this.#leaseEnds - this.#clock.now()), () => {
      this.#cancelTimer = undefined
      if (this.#lapsed()) this.#resolveAll()
      else if (this.#unanswered.size > 0 || this.#unknown) this.#watch()
    })
  }
}
