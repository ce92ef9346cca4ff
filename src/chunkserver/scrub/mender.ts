// Restores damaged blocks from other replicas of the chunk. What a block
// must hold its own checksum says: so a block from elsewhere is taken only if it
// is the one that was written here, and nobody need hold up mutations for that.
// Two replicas that are damaged in different places mend one another.

import { LeasefsError } from '../../base/errors.js'
import type { Logger } from '../../base/log.js'
import { checksumBlockSize } from '../../constants.js'
import type { DataClient } from '../../dataplane/data-plane.js'
import type { Address } from '../../wire/address.js'
import { type ChunkHandle, handleText } from '../../wire/ids.js'
import { mendsAtOnceMax } from '../limits.js'
import type { ChunkStore } from '../store/chunk-store.js'
import { type Damage, isReadable } from './damage.js'

export interface MenderOptions {
  readonly store: Pick<ChunkStore, 'stat' | 'read' | 'verify' | 'mend'>
  readonly damage: Damage
  readonly data: Pick<DataClient, 'read'>
  readonly log: Logger
}

/** A server with another replica of the chunk, and the version of that: any that has the block as it was will do. */
export interface MendSource {
  readonly data: Address
  readonly version: number
}

/** What came of one block: whole, or why not. The gravest is told: nobody could be asked, no one has it, others have another. */
const outcomes = ['whole', 'CORRUPT', 'CHANGED', 'UNAVAILABLE'] as const
type Outcome = (typeof outcomes)[number]

const zeros = Buffer.alloc(checksumBlockSize)

export class Mender {
  readonly #options: MenderOptions

  constructor(options: MenderOptions) {
    this.#options = options
  }

  /**
   * Restores what is damaged of the replica, as far as the sources have it.
   *
   * @throws LeasefsError CORRUPT: no source has some blocks whole; CHANGED: a source has others than were written
   *   here; UNAVAILABLE: a source could not be asked; NOT_FOUND, NO_SPACE, IO: of this server
   */
  async mend(handle: ChunkHandle, sources: readonly MendSource[]): Promise<void> {
    await this.#options.damage.looked(handle)
    const left = [...this.#options.damage.of(handle)].reverse()
    const found = new Set<Outcome>()
    const mendSome = async () => {
      for (let index = left.pop(); index !== undefined; index = left.pop()) {
        found.add(await this.#mendBlock(handle, index, sources))
      }
    }
    await Promise.all(Array.from({ length: mendsAtOnceMax }, mendSome))
    const worst = outcomes.findLast(outcome => found.has(outcome)) ?? 'whole'
    if (worst === 'whole') return
    const count = this.#options.damage.count(handle)
    throw new LeasefsError(worst, `${count} blocks of replica ${handleText(handle)} were not restored`)
  }

  async #mendBlock(handle: ChunkHandle, index: number, sources: readonly MendSource[]): Promise<Outcome> {
    const { store, damage } = this.#options
    const offset = index * checksumBlockSize
    const length = Math.min(checksumBlockSize, (store.stat(handle)?.length ?? 0) - offset)
    if (length <= 0 || (await this.#isWhole(handle, index))) return this.#whole(handle, index, 'not damaged')
    // A hole needs nobody else.
    if (await store.mend(handle, index, zeros.subarray(0, length))) return this.#whole(handle, index, 'restored')
    const failures = new Set<Outcome>()
    for (const { data, version } of sources) {
      const bytes = await this.#fetch(data, { handle, version, offset, length })
      if (!Buffer.isBuffer(bytes)) failures.add(bytes)
      else if (await store.mend(handle, index, bytes)) return this.#whole(handle, index, 'restored')
      else failures.add('CHANGED')
    }
    // It may have been written over while others were asked.
    if (await this.#isWhole(handle, index)) return this.#whole(handle, index, 'not damaged')
    damage.found(handle, [index])
    return outcomes.findLast(outcome => failures.has(outcome)) ?? 'CORRUPT'
  }

  /** As it is read, and on the disk. */
  async #isWhole(handle: ChunkHandle, index: number): Promise<boolean> {
    const { store } = this.#options
    return (await isReadable(store, handle, index)) && (await store.verify(handle, index, index + 1)).length === 0
  }

  #whole(handle: ChunkHandle, index: number, how: 'restored' | 'not damaged'): Outcome {
    this.#options.damage.whole(handle, index, how)
    return 'whole'
  }

  async #fetch(source: Address, request: Parameters<DataClient['read']>[1]): Promise<Buffer | Outcome> {
    try {
      const { buffers } = await this.#options.data.read(source, request)
      return Buffer.concat(buffers)
    } catch (reason) {
      if (!(reason instanceof LeasefsError)) throw reason
      const { code } = reason
      return code === 'CORRUPT' || code === 'IO' ? 'CORRUPT' : 'UNAVAILABLE'
    }
  }
}
