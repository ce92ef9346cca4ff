// What this server knows of damage to its replicas: blocks that the disk does
// not have as they were written. The master is told how many a replica has, and
// says from whom they can be had (mender.ts). Good blocks are served meanwhile.
//
// In memory: what is not mended when the process ends is found again.

import { LeasefsError } from '../../base/errors.js'
import type { Logger } from '../../base/log.js'
import { checksumBlockSize } from '../../constants.js'
import { type ChunkHandle, handleText } from '../../wire/ids.js'
import { damagedReplicasMax, suspectsAtOnceMax } from '../limits.js'
import type { ChunkStore } from '../store/chunk-store.js'

export interface DamageOptions {
  readonly store: Pick<ChunkStore, 'stat' | 'read'>
  readonly log: Logger
  /** The replica has another number of damaged blocks. */
  readonly changed: (handle: ChunkHandle) => void
}

export class Damage {
  readonly #options: DamageOptions
  readonly #damaged = new Map<ChunkHandle, Set<number>>()
  readonly #looking = new Map<ChunkHandle, Promise<void>>()
  #foundCount = 0
  #mendedCount = 0

  constructor(options: DamageOptions) {
    this.#options = options
  }

  /** Blocks that were found, and that were restored, since the process started. */
  get counts(): { readonly found: number; readonly mended: number } {
    return { found: this.#foundCount, mended: this.#mendedCount }
  }

  /** Of the replica, in order. */
  of(handle: ChunkHandle): readonly number[] {
    return [...(this.#damaged.get(handle) ?? [])].sort((a, b) => a - b)
  }

  count(handle: ChunkHandle): number {
    return this.#damaged.get(handle)?.size ?? 0
  }

  /** These blocks of the replica are damaged. */
  found(handle: ChunkHandle, blocks: readonly number[]): void {
    const known = this.#damaged.get(handle) ?? new Set()
    const fresh = blocks.filter(index => !known.has(index))
    if (fresh.length === 0 || !this.#makeRoom(handle)) return
    this.#foundCount += fresh.length
    for (const index of fresh) known.add(index)
    this.#damaged.set(handle, known)
    this.#options.log.error({ handle: handleText(handle), blocks: fresh.slice(0, 16) }, 'damaged blocks found')
    this.#options.changed(handle)
  }

  /** The block is whole: `restored`, or written over, or not there any more. */
  whole(handle: ChunkHandle, index: number, how: 'restored' | 'not damaged'): void {
    const known = this.#damaged.get(handle)
    if (!known?.delete(index)) return
    if (how === 'restored') this.#mendedCount++
    if (known.size > 0) return
    this.#damaged.delete(handle)
    this.#options.log.info({ handle: handleText(handle) }, 'no block of the replica is damaged any more')
    this.#options.changed(handle)
  }

  /** The replica is not here any more, or is made anew. */
  forget(handle: ChunkHandle): void {
    this.#damaged.delete(handle)
  }

  /**
   * A read of these bytes has failed: looks in the background which blocks it
   * was for. More at once than suspectsAtOnceMax are left to the next read.
   */
  suspect(handle: ChunkHandle, offset: number, length: number): void {
    if (this.#looking.has(handle) || this.#looking.size >= suspectsAtOnceMax) return
    const looked = this.#look(handle, offset, length).then(
      blocks => {
        this.#looking.delete(handle)
        this.found(handle, blocks)
      },
      reason => {
        this.#looking.delete(handle)
        // It has been deleted, most likely.
        this.#options.log.debug({ err: reason, handle: handleText(handle) }, 'a replica was not looked through')
      },
    )
    this.#looking.set(handle, looked)
  }

  /** Resolves when what reads of the replica have met so far is known. */
  async looked(handle: ChunkHandle): Promise<void> {
    await this.#looking.get(handle)
  }

  async #look(handle: ChunkHandle, offset: number, length: number): Promise<number[]> {
    const blocks: number[] = []
    for (let index = Math.floor(offset / checksumBlockSize); index * checksumBlockSize < offset + length; index++) {
      if (!(await isReadable(this.#options.store, handle, index))) blocks.push(index)
    }
    return blocks
  }

  #makeRoom(handle: ChunkHandle): boolean {
    const { store, log } = this.#options
    if (this.#damaged.size < damagedReplicasMax || this.#damaged.has(handle)) return true
    for (const known of this.#damaged.keys()) if (!store.stat(known)) this.#damaged.delete(known)
    if (this.#damaged.size < damagedReplicasMax) return true
    log.error({ handle: handleText(handle) }, 'too many replicas are damaged: this one is left for later')
    return false
  }
}

/** Whether the block is whole, as a reader sees it. @throws LeasefsError NOT_FOUND */
export async function isReadable(
  store: Pick<ChunkStore, 'read'>,
  handle: ChunkHandle,
  index: number,
): Promise<boolean> {
  try {
    await store.read(handle, index * checksumBlockSize, checksumBlockSize)
    return true
  } catch (reason) {
    if (reason instanceof LeasefsError && (reason.code === 'CORRUPT' || reason.code === 'IO')) return false
    throw reason
  }
}
