// The inodes that this client has open. At the master each is open once,
// however many handles there are here: from before the first until a while after
// the last, since files are often opened again soon, and many are closed in one
// message. What was read of a file stays for the next open while there is room.

import { LRUCache } from 'lru-cache'
import type { Clock } from '../base/clock.js'
import { type Deferred, deferred } from '../base/deferred.js'
import { type ErrorCode, LeasefsError } from '../base/errors.js'
import type { Logger } from '../base/log.js'
import { closesAtOnceMax } from '../constants.js'
import type { Ino } from '../wire/ids.js'
import type { Attributes } from './file-system.js'
import { closeDelayMs, closedInodesMax, closeRetryMs, closesWaitingMax } from './limits.js'

/** What does not last: the master's disk is full or failing, or it is busy. */
const closeRetried: ReadonlySet<ErrorCode> = new Set(['NO_SPACE', 'IO', 'UNAVAILABLE', 'TIMEOUT'])

import type { Metadata } from './metadata.js'
import type { OpenInode } from './open-inode.js'
import type { Survival } from './survival.js'

export interface OpenInodesOptions {
  readonly metadata: Metadata
  readonly make: (ino: Ino) => OpenInode
  readonly log: Logger
  readonly clock: Clock
  /** Hears which inodes the master is about to be told to close. */
  readonly closing: (inos: readonly Ino[]) => void
  /** Absent: no process comes after this one. */
  readonly survival?: Survival | undefined
}

export class OpenInodes {
  readonly #metadata: Metadata
  readonly #make: (ino: Ino) => OpenInode
  readonly #log: Logger
  readonly #clock: Clock
  readonly #closing: (inos: readonly Ino[]) => void
  readonly #inodes = new Map<Ino, OpenInode>()
  /** Not in use, but open at the master, or with blocks that may be read again. */
  readonly #closed = new LRUCache<Ino, OpenInode>({
    max: closedInodesMax,
    dispose: ({ reads }, _, reason) => reason === 'evict' && reads.drop(),
  })
  /** Nobody uses them here, and the master is to be told. */
  readonly #toClose = new Set<Ino>()
  #closesDue = false
  #cancelTimer: (() => void) | undefined
  readonly #survival: Survival | undefined
  #createsUnderWay = 0
  /** While there are too many closes for another create to go before them. */
  #closesSent: Deferred<void> | undefined

  constructor({ metadata, make, log, clock, closing, survival }: OpenInodesOptions) {
    this.#metadata = metadata
    this.#make = make
    this.#log = log
    this.#clock = clock
    this.#closing = closing
    this.#survival = survival
  }

  get(ino: Ino): OpenInode | undefined {
    return this.#inodes.get(ino)
  }

  *all(): Generator<OpenInode> {
    yield* this.#inodes.values()
  }

  /** To be given back by release(). @throws LeasefsError what the master says */
  async open(ino: Ino): Promise<{ readonly inode: OpenInode; readonly attributes: Attributes }> {
    const inode = this.#use(ino)
    try {
      if (inode.opened) {
        inode.check()
        return { inode, attributes: await inode.attributes() }
      }
      const attributes = await this.#metadata.open(ino)
      inode.nowOpen(attributes)
      this.#survival?.map.put(openKey(ino), 0)
      return { inode, attributes: inode.writes.view(attributes) }
    } catch (reason) {
      this.release(inode)
      throw reason
    }
  }

  /**
   * As open(), when `make` makes and opens the inode at the master in one.
   * Meanwhile nothing is closed: it may be what `make` opens.
   */
  async create(
    make: () => Promise<Attributes>,
  ): Promise<{ readonly inode: OpenInode; readonly attributes: Attributes }> {
    while (this.#toClose.size >= closesWaitingMax && this.#createsUnderWay > 0) {
      this.#closesSent ??= deferred()
      await this.#closesSent.promise
    }
    this.#createsUnderWay++
    try {
      const attributes = await make()
      const inode = this.#use(attributes.ino)
      inode.nowOpen(attributes, attributes.size === 0)
      this.#survival?.map.put(openKey(attributes.ino), 0)
      return { inode, attributes: inode.writes.view(attributes) }
    } finally {
      this.#createsUnderWay--
      this.#closeUnused()
    }
  }

  /** Runs `act` with the inode, open or not. */
  async using<T>(ino: Ino, act: (inode: OpenInode) => Promise<T>): Promise<T> {
    const inode = this.#use(ino)
    try {
      return await act(inode)
    } finally {
      this.release(inode)
    }
  }

  /** The caller needs it no more. Does not wait for the master. */
  release(inode: OpenInode): void {
    inode.users--
    if (inode.users > 0) return
    if (inode.writes.isClean) this.#leave(inode)
    else this.#leaveWhenClean(inode)
  }

  /** The error has been reported to whoever closed. One more try, and it is given up. */
  #leaveWhenClean(inode: OpenInode): void {
    inode.users++
    inode.writes
      .flush()
      .catch(reason => this.#log.error({ ino: inode.ino, code: LeasefsError.from(reason).code }, 'lost a write'))
      .finally(() => {
        inode.users--
        if (inode.users === 0) this.#leave(inode)
      })
  }

  /** The master opened it for someone who did not wait for that. */
  abandonedOpen(ino: Ino): void {
    const inode = this.#inodes.get(ino)
    if (inode) inode.opened = true
    else this.#closeLater(ino)
  }

  invalidated(ino: Ino): void {
    const inode = this.#inodes.get(ino) ?? this.#closed.get(ino)
    inode?.reads.drop()
    inode?.writes.othersChanged()
    this.#closed.delete(ino)
  }

  /** Nothing that was read may be used. With `lost`, the new session has nothing open yet. */
  reset(lost: boolean): void {
    if (lost) this.#toClose.clear()
    for (const inode of this.#closed.values()) inode.reads.drop()
    this.#closed.clear()
    for (const inode of this.#inodes.values()) {
      inode.reads.drop()
      inode.writes.othersChanged() // For all we know.
      if (lost) inode.writes.sessionLost()
      if (lost && inode.opened) this.#reopen(inode)
    }
  }

  #reopen(inode: OpenInode): void {
    inode.reopen().catch(reason => {
      const { code, message } = LeasefsError.from(reason)
      this.#log.error({ ino: inode.ino, code }, `lost an open file with the session: ${message}`)
      if (code === 'NOT_FOUND') inode.lose()
    })
  }

  #use(ino: Ino): OpenInode {
    const inode = this.#inodes.get(ino) ?? this.#closed.get(ino) ?? this.#make(ino)
    this.#inodes.set(ino, inode)
    this.#closed.delete(ino)
    if (this.#toClose.delete(ino)) inode.opened = true // Still, though we may have dropped what we knew of it.
    inode.users++
    if (inode.users === 1) inode.writes.used()
    return inode
  }

  #leave(inode: OpenInode): void {
    const { ino } = inode
    this.#inodes.delete(ino)
    inode.writes.unused()
    if (inode.isOfUse) this.#closed.set(ino, inode)
    if (!inode.opened) return
    this.#closeLater(ino)
    // Nobody can want it again, and its space is waited for.
    if (this.#metadata.known?.attributes(ino)?.nlink === 0) this.#closeNow()
  }

  #closeLater(ino: Ino): void {
    this.#toClose.add(ino)
    this.#cancelTimer ??= this.#clock.after(closeDelayMs, () => this.#closeNow())
    if (this.#toClose.size >= closesAtOnceMax) this.#closeNow()
  }

  #closeNow(): void {
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
    this.#closesDue = true
    this.#closeUnused()
  }

  #closeUnused(): void {
    if (!this.#closesDue || this.#createsUnderWay > 0) return
    this.#closesDue = false
    const inos = [...this.#toClose]
    this.#toClose.clear()
    this.#closesSent?.resolve()
    this.#closesSent = undefined
    this.#closing(inos)
    for (const ino of inos) {
      const inode = this.#closed.peek(ino)
      if (!inode) continue
      inode.nowClosed()
      if (!inode.isOfUse) this.#closed.delete(ino)
    }
    for (let i = 0; i < inos.length; i += closesAtOnceMax) {
      const some = inos.slice(i, i + closesAtOnceMax)
      this.#metadata.close(some).then(
        () => this.#haveClosed(some),
        reason => this.#closeFailed(some, reason),
      )
    }
  }

  /** Those that were not opened again meanwhile are for no one to close. */
  #haveClosed(inos: readonly Ino[]): void {
    for (const ino of inos) {
      const inode = this.#inodes.get(ino) ?? this.#closed.peek(ino)
      if (!inode?.opened) this.#survival?.map.forget(openKey(ino))
    }
  }

  /** An inode of an earlier process: open at the master if that had opened it there. To be given back by release(). */
  found(ino: Ino, opened: boolean): OpenInode {
    const inode = this.#use(ino)
    inode.opened ||= opened
    return inode
  }

  /** The master closes them with the session at the latest. */
  #closeFailed(inos: readonly Ino[], reason: unknown): void {
    const { code, message } = LeasefsError.from(reason)
    if (code === 'CANCELLED') return // We are leaving, and the session with us.
    this.#log.warn({ inos, code }, `inodes stay open at the master: ${message}`)
    if (!closeRetried.has(code)) return
    for (const ino of inos) {
      if (this.#toClose.size < closesWaitingMax && !this.#inodes.has(ino)) this.#toClose.add(ino)
    }
    this.#cancelTimer ??= this.#clock.after(closeRetryMs, () => this.#closeNow())
  }
}

function openKey(ino: Ino): string {
  return `open/${ino}`
}
