// The files a store has open: as many as are in use, and beyond those at most
// `openFilesMax`, the least recently used closed first.
//
// Invariant: a replica never has two open files, one that is being closed included.

import type { ChunkHandle } from '../../wire/ids.js'
import type { ReplicaFile } from './replica-file.js'

interface Slot {
  readonly file: Promise<ReplicaFile>
  /** Once it is open. */
  open?: ReplicaFile
  users: number
  /** Called when the last user has gone, if somebody waits for that. */
  unused?: () => void
}

export class OpenFiles {
  /** The least recently used first. */
  readonly #slots = new Map<ChunkHandle, Slot>()
  readonly #closing = new Map<ChunkHandle, Promise<void>>()
  readonly #open: (handle: ChunkHandle) => Promise<ReplicaFile>
  readonly #openMax: number
  readonly #failed: (handle: ChunkHandle, reason: unknown) => void

  /** `failed` is told of files that could not be closed properly. */
  constructor(
    openMax: number,
    open: (handle: ChunkHandle) => Promise<ReplicaFile>,
    failed: (handle: ChunkHandle, reason: unknown) => void,
  ) {
    this.#openMax = openMax
    this.#open = open
    this.#failed = failed
  }

  get size(): number {
    return this.#slots.size
  }

  /** Runs `use` with the replica's file, which stays open meanwhile. */
  async use<T>(handle: ChunkHandle, use: (file: ReplicaFile) => Promise<T>): Promise<T> {
    const slot = this.#slot(handle)
    slot.users++
    try {
      return await use(slot.open ?? (await slot.file))
    } finally {
      if (--slot.users === 0) slot.unused?.()
      this.#closeUnused(this.#openMax)
    }
  }

  /** A file just made. */
  add(file: ReplicaFile): void {
    this.#slots.set(file.record.handle, { file: Promise.resolve(file), open: file, users: 0 })
    this.#closeUnused(this.#openMax)
  }

  /** Closes the replica's file, if it is open, when those who use it are done. */
  async close(handle: ChunkHandle): Promise<void> {
    const slot = this.#slots.get(handle)
    if (slot) this.#close(handle, slot)
    await this.#closing.get(handle)
  }

  /** Closes them all. */
  async closeAll(): Promise<void> {
    for (const [handle, slot] of this.#slots) this.#close(handle, slot)
    await Promise.all(this.#closing.values())
  }

  #slot(handle: ChunkHandle): Slot {
    const slot = this.#slots.get(handle) ?? this.#openSlot(handle)
    this.#slots.delete(handle)
    this.#slots.set(handle, slot)
    return slot
  }

  #openSlot(handle: ChunkHandle): Slot {
    const closing = this.#closing.get(handle)
    const file = closing ? closing.then(() => this.#open(handle)) : this.#open(handle)
    const slot: Slot = { file, users: 0 }
    file.then(
      open => {
        slot.open = open
      },
      // Whoever uses it is told; the next one tries again.
      () => this.#slots.get(handle) === slot && this.#slots.delete(handle),
    )
    return slot
  }

  #closeUnused(countMax: number): void {
    if (this.#slots.size <= countMax) return
    for (const [handle, slot] of this.#slots) {
      if (slot.users === 0 && slot.open) this.#close(handle, slot)
      if (this.#slots.size <= countMax) return
    }
  }

  #close(handle: ChunkHandle, slot: Slot): void {
    this.#slots.delete(handle)
    const unused =
      slot.users === 0
        ? undefined
        : new Promise<void>(resolve => {
            slot.unused = resolve
          })
    const closed = Promise.all([slot.file, unused])
      .then(([file]) => file.close())
      .catch(reason => this.#failed(handle, reason))
      .finally(() => this.#closing.delete(handle))
    this.#closing.set(handle, closed)
  }
}
