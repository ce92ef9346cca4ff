// Asks the master where chunks are, each thing once at a time, and remembers.

import { LRUCache } from 'lru-cache'
import type { Clock } from '../base/clock.js'
import { LeasefsError } from '../base/errors.js'
import type { Trace } from '../base/trace.js'
import { chunkIndexMax } from '../constants.js'
import type { Ino } from '../wire/ids.js'
import type { Location } from '../wire/location.js'
import { locateCountMax, locatedChunksPerFileMax, locatedFilesMax } from './limits.js'
import { type LocatedChunk, locatedChunkFromWire, mayWrite, traceLocated } from './locations.js'
import type { Answer } from './requests.js'
import type { Session } from './session.js'

export type LocatePurpose = 'read' | 'write'

export interface LocationOptions {
  readonly session: Pick<Session, 'request' | 'mayUseCaches'>
  readonly clock: Clock
  readonly location?: Location | undefined
  readonly trace?: Trace | undefined
}

export class LocationCache {
  readonly #options: LocationOptions
  readonly #files = new LRUCache<Ino, Map<number, LocatedChunk>>({ max: locatedFilesMax })
  readonly #asking = new Map<string, Promise<LocatedChunk>>()
  /** Who wants to know when what was said of a file does not hold any more. */
  readonly #watching = new Map<Ino, Set<() => void>>()

  constructor(options: LocationOptions) {
    this.#options = options
  }

  /**
   * Where chunk `index` of the file is. For writing it is made if it does not
   * exist, and one of its replicas holds the lease.
   *
   * @throws LeasefsError what the master says; NO_SPACE, UNAVAILABLE, TIMEOUT
   */
  async locate(ino: Ino, index: number, purpose: LocatePurpose): Promise<LocatedChunk> {
    const known = this.#known(ino, index, purpose)
    if (known) return known
    const key = `${purpose}:${ino}:${index}`
    const asked = this.#asking.get(key)
    if (asked) return asked
    const asking = this.#ask(ino, index, purpose).finally(() => {
      if (this.#asking.get(key) === asking) this.#asking.delete(key)
    })
    this.#asking.set(key, asking)
    return asking
  }

  /** Asks ahead of the need. If that fails, whoever needs it asks again and hears why. */
  prefetch(ino: Ino, index: number, purpose: LocatePurpose): void {
    if (index <= chunkIndexMax) this.locate(ino, index, purpose).catch(() => {})
  }

  /** What we knew was wrong: the next to ask asks the master. */
  forget(ino: Ino, index: number): void {
    this.#files.get(ino)?.delete(index)
    for (const purpose of ['read', 'write']) this.#asking.delete(`${purpose}:${ino}:${index}`)
  }

  /** The master has taken back what it said of the file. */
  drop(ino: Ino): void {
    this.#files.delete(ino)
    for (const changed of [...(this.#watching.get(ino) ?? [])]) changed()
  }

  /** The same for all files. */
  clear(): void {
    this.#files.clear()
    for (const changed of [...this.#watching.values()].flatMap(watching => [...watching])) changed()
  }

  /** Calls `changed` each time the master takes back what it said of the file, until the function returned is called. */
  watch(ino: Ino, changed: () => void): () => void {
    const watching = this.#watching.get(ino) ?? new Set()
    this.#watching.set(ino, watching)
    watching.add(changed)
    return () => {
      watching.delete(changed)
      if (watching.size === 0 && this.#watching.get(ino) === watching) this.#watching.delete(ino)
    }
  }

  #known(ino: Ino, index: number, purpose: LocatePurpose): LocatedChunk | undefined {
    if (!this.#options.session.mayUseCaches) return undefined
    const known = this.#files.get(ino)?.get(index)
    if (!known) return undefined
    return purpose === 'read' || mayWrite(known, this.#options.clock.now()) ? known : undefined
  }

  async #ask(ino: Ino, index: number, purpose: LocatePurpose): Promise<LocatedChunk> {
    const { session, trace } = this.#options
    trace?.('locate.ask', { ino, index, purpose })
    const forWrite = purpose === 'write'
    const count = forWrite ? 1 : Math.min(locateCountMax, chunkIndexMax + 1 - index)
    const result = await session.request(
      { $case: 'locateChunks', value: { ino, firstIndex: index, count, forWrite } },
      answer => this.#absorb(ino, answer),
    )
    const located = result.$case === 'layout' && result.value.chunks.find(chunk => chunk.index === index)
    // A file that ends before this chunk has nothing there.
    if (!located) {
      if (!forWrite) return { index, chunk: undefined }
      throw new LeasefsError('INTERNAL', `the master did not say where chunk ${index} of inode ${ino} is`)
    }
    const found = locatedChunkFromWire(located, this.#options.location, this.#options.clock.now())
    if (trace) traceLocated(trace, found)
    return found
  }

  #absorb(ino: Ino, { result, sentAt, mayKeep }: Answer): void {
    if (!mayKeep || result?.$case !== 'layout') return
    const chunks = this.#files.get(ino) ?? new Map<number, LocatedChunk>()
    if (chunks.size + result.value.chunks.length > locatedChunksPerFileMax) chunks.clear()
    for (const wire of result.value.chunks) {
      chunks.set(wire.index, locatedChunkFromWire(wire, this.#options.location, sentAt))
    }
    this.#files.set(ino, chunks)
  }
}
