// Makes a replica of this server hold what another server's does (block by
// block: GFS leaves replicas different after a failed write, we do not). The
// checksums of all blocks are asked for, compared with our own, and only blocks
// that differ are fetched: verified there before they leave, and here on arrival.

import { LeasefsError } from '../../base/errors.js'
import { checksumBlockSize } from '../../constants.js'
import type { DataClient } from '../../dataplane/data-plane.js'
import type { Address } from '../../wire/address.js'
import type { ChunkHandle } from '../../wire/ids.js'
import { handleText } from '../../wire/ids.js'
import { levelPassesMax, levelReadsAtOnceMax } from '../limits.js'
import type { AppliedMutation } from '../mutations/applied-mutations.js'
import type { BlockRun } from '../store/block-map.js'
import type { ChunkStore, StoredChecksums } from '../store/chunk-store.js'
import { difference, endOf } from './difference.js'

/** The replica whose bytes count. */
export interface Source {
  readonly control: Address
  readonly data: Address
  readonly version: number
}

/** What a replica holds. */
export interface Holding extends StoredChecksums {
  /** Mutations that are in its bytes. */
  readonly applied: readonly AppliedMutation[]
}

export interface LevellerOptions {
  readonly store: ChunkStore
  readonly data: Pick<DataClient, 'read'>
  /** What the source holds. @throws LeasefsError */
  readonly ask: (source: Source, handle: ChunkHandle) => Promise<Holding>
}

/** Called before bytes are fetched: resolves when they may be (a limit on the rate). */
export type Pace = (bytes: number) => Promise<void>

const unpaced: Pace = async () => {}

export class Leveller {
  readonly #options: LevellerOptions

  constructor(options: LevellerOptions) {
    this.#options = options
  }

  /**
   * One pass: everything that differed when the source was asked is what the
   * source has. True if anything did. While the source is being written to,
   * there may be more; nobody else changes our replica meanwhile.
   *
   * @throws LeasefsError CORRUPT: the source can't be read, it is at fault; what else the source says; NOT_FOUND,
   *   NO_SPACE, IO: of this server
   */
  async pass(handle: ChunkHandle, source: Source, pace: Pace = unpaced): Promise<boolean> {
    return await this.#become(await this.#ask(handle, source), handle, source, pace)
  }

  /**
   * Passes until nothing differs, and what was changed is on the disk. The
   * source must stand still. Returns which mutations are in the bytes now.
   *
   * @throws LeasefsError as pass(); REPLICA_FAILED: it does not become level
   */
  async level(handle: ChunkHandle, source: Source): Promise<readonly AppliedMutation[]> {
    let changed = false
    for (let pass = 0; pass < levelPassesMax; pass++) {
      const there = await this.#ask(handle, source)
      if (await this.#become(there, handle, source, unpaced)) {
        changed = true
        continue
      }
      if (changed) await this.#options.store.sync(handle)
      return there.applied
    }
    throw new LeasefsError('REPLICA_FAILED', `the replica of chunk ${handleText(handle)} does not become level`)
  }

  #ask(handle: ChunkHandle, source: Source): Promise<Holding> {
    return ofSource(this.#options.ask(source, handle))
  }

  /** True if anything differed. */
  async #become(there: Holding, handle: ChunkHandle, source: Source, pace: Pace): Promise<boolean> {
    const { store } = this.#options
    const tooLong = (await store.checksums(handle)).length > there.length
    // At the start of a block, so that nothing of our own has to be read; the rest of the block is fetched.
    if (tooLong) await store.truncate(handle, there.length - (there.length % checksumBlockSize))
    const todo = difference(await store.checksums(handle), there)
    if (!todo) return tooLong
    for (const { first, end } of todo.holes) {
      await store.zero(handle, first * checksumBlockSize, (end - first) * checksumBlockSize)
    }
    await this.#fetchAll(handle, source, there.length, todo.fetches, pace)
    if (todo.growTo !== undefined) await store.truncate(handle, todo.growTo)
    return true
  }

  async #fetchAll(handle: ChunkHandle, source: Source, length: number, runs: readonly BlockRun[], pace: Pace) {
    const left = [...runs].reverse()
    const fetchSome = async () => {
      for (let run = left.pop(); run; run = left.pop()) await this.#fetch(handle, source, length, run, pace)
    }
    await Promise.all(Array.from({ length: levelReadsAtOnceMax }, fetchSome))
  }

  async #fetch(handle: ChunkHandle, source: Source, length: number, run: BlockRun, pace: Pace): Promise<void> {
    const offset = run.first * checksumBlockSize
    const wanted = endOf(run, length) - offset
    await pace(wanted)
    const { version, data } = source
    const read = await ofSource(this.#options.data.read(data, { handle, version, offset, length: wanted }))
    // Fewer: it has been cut meanwhile, which the next pass sees.
    if (read.length > 0) await this.#options.store.write(handle, offset, read.buffers)
  }
}

/** Damage and disk errors of the source are told from our own: both are CORRUPT. */
async function ofSource<T>(asked: Promise<T>): Promise<T> {
  try {
    return await asked
  } catch (reason) {
    if (!(reason instanceof LeasefsError) || reason.code !== 'IO') throw reason
    throw new LeasefsError('CORRUPT', `the source cannot be read: ${reason.message}`, { cause: reason })
  }
}
