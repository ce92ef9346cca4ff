// The requests that wait for locks, found by inode (in the order they came), by
// session, and by owner. Bookkeeping only.

import { LockKind } from '../../wire/gen/common.js'
import { ownerOf, type Wait } from './deadlock.js'

export class WaitTable<W extends Wait> {
  readonly #byInode = new Map<number, Set<W>>()
  readonly #bySession = new Map<number, Set<W>>()
  /** Those that want POSIX locks. */
  readonly #byOwner = new Map<string, Set<W>>()
  #size = 0

  get size(): number {
    return this.#size
  }

  add(wait: W): void {
    put(this.#byInode, wait.ino, wait)
    put(this.#bySession, wait.session, wait)
    if (wait.lock.kind === LockKind.POSIX) put(this.#byOwner, ownerOf(wait), wait)
    this.#size++
  }

  /** Nothing happens if it has been removed. */
  remove(wait: W): void {
    if (!this.#byInode.get(wait.ino)?.has(wait)) return
    take(this.#byInode, wait.ino, wait)
    take(this.#bySession, wait.session, wait)
    take(this.#byOwner, ownerOf(wait), wait)
    this.#size--
  }

  countOfInode(ino: number): number {
    return this.#byInode.get(ino)?.size ?? 0
  }

  ofInode(ino: number): W[] {
    return [...(this.#byInode.get(ino) ?? [])]
  }

  ofSession(session: number): W[] {
    return [...(this.#bySession.get(session) ?? [])]
  }

  ofOwner(owner: string): W[] {
    return [...(this.#byOwner.get(owner) ?? [])]
  }
}

function put<K, W>(index: Map<K, Set<W>>, key: K, wait: W): void {
  const waits = index.get(key)
  if (waits) waits.add(wait)
  else index.set(key, new Set([wait]))
}

function take<K, W>(index: Map<K, Set<W>>, key: K, wait: W): void {
  const waits = index.get(key)
  waits?.delete(wait)
  if (waits?.size === 0) index.delete(key)
}
