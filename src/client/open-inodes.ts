// The inodes that this client has open. At the master each is open once,
// however many handles there are here: from before the first until after the
// last. What was read of a file stays for the next open while there is room.

import { LRUCache } from 'lru-cache'
import { LeasefsError } from '../base/errors.js'
import type { Logger } from '../base/log.js'
import type { Ino } from '../wire/ids.js'
import type { Attributes } from './file-system.js'
import { closedInodesMax } from './limits.js'
import type { Metadata } from './metadata.js'
import type { OpenInode } from './open-inode.js'

export class OpenInodes {
  readonly #metadata: Metadata
  readonly #make: (ino: Ino) => OpenInode
  readonly #log: Logger
  readonly #inodes = new Map<Ino, OpenInode>()
  /** Not in use, but with blocks that may be read again. */
  readonly #closed = new LRUCache<Ino, OpenInode>({
    max: closedInodesMax,
    dispose: ({ reads }, _, reason) => reason === 'evict' && reads.drop(),
  })
  /** Nobody uses them here, and the master is to be told. */
  readonly #toClose = new Set<Ino>()
  #opensUnderWay = 0

  constructor(metadata: Metadata, make: (ino: Ino) => OpenInode, log: Logger) {
    this.#metadata = metadata
    this.#make = make
    this.#log = log
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
      const attributes = await this.#opening(() => this.#metadata.open(ino))
      inode.opened = true
      return { inode, attributes: inode.writes.view(attributes) }
    } catch (reason) {
      this.release(inode)
      throw reason
    }
  }

  /** As open(), when `make` makes and opens the inode at the master in one. */
  async create(
    make: () => Promise<Attributes>,
  ): Promise<{ readonly inode: OpenInode; readonly attributes: Attributes }> {
    return this.#opening(async () => {
      const attributes = await make()
      const inode = this.#use(attributes.ino)
      inode.opened = true
      return { inode, attributes: inode.writes.view(attributes) }
    })
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
    if (this.#inodes.get(ino)?.opened) return
    this.#toClose.add(ino)
    this.#closeUnused()
  }

  invalidated(ino: Ino): void {
    const inode = this.#inodes.get(ino) ?? this.#closed.get(ino)
    inode?.reads.drop()
    this.#closed.delete(ino)
  }

  /** Nothing that was read may be used. With `lost`, the new session has nothing open yet. */
  reset(lost: boolean): void {
    for (const inode of this.#closed.values()) inode.reads.drop()
    this.#closed.clear()
    for (const inode of this.#inodes.values()) {
      inode.reads.drop()
      if (lost && inode.opened) this.#reopen(inode)
    }
  }

  #reopen(inode: OpenInode): void {
    this.#metadata.open(inode.ino).catch(reason => {
      const { code, message } = LeasefsError.from(reason)
      this.#log.error({ ino: inode.ino, code }, `lost an open file with the session: ${message}`)
      if (code === 'NOT_FOUND') inode.lose()
    })
  }

  #use(ino: Ino): OpenInode {
    const inode = this.#inodes.get(ino) ?? this.#closed.get(ino) ?? this.#make(ino)
    this.#inodes.set(ino, inode)
    this.#closed.delete(ino)
    this.#toClose.delete(ino) // Then it is still open there.
    inode.users++
    return inode
  }

  #leave(inode: OpenInode): void {
    const { ino } = inode
    this.#inodes.delete(ino)
    if (inode.isOfUse) this.#closed.set(ino, inode)
    if (!inode.opened) return
    this.#toClose.add(ino)
    this.#closeUnused()
  }

  /** A close must not overtake an open that may be of the same inode. */
  async #opening<T>(open: () => Promise<T>): Promise<T> {
    this.#opensUnderWay++
    try {
      return await open()
    } finally {
      this.#opensUnderWay--
      this.#closeUnused()
    }
  }

  #closeUnused(): void {
    if (this.#opensUnderWay > 0) return
    for (const ino of this.#toClose) {
      const inode = this.#closed.peek(ino)
      if (inode) inode.opened = false
      this.#metadata.close(ino).catch(reason => this.#closeFailed(ino, reason))
    }
    this.#toClose.clear()
  }

  /** The master closes it with the session at the latest. */
  #closeFailed(ino: Ino, reason: unknown): void {
    const { code, message } = LeasefsError.from(reason)
    if (code === 'CANCELLED') return // We are leaving, and the session with us.
    this.#log.warn({ ino, code }, `an inode stays open at the master: ${message}`)
  }
}
