// One inode that someone of this client has open, or that has something dirty:
// what its handles share.

import { LeasefsError } from '../base/errors.js'
import { chunkSize } from '../constants.js'
import type { DataId, Ino } from '../wire/ids.js'
import type { AppendTurns } from './append-turns.js'
import type { ChunkExtents } from './chunk-extents.js'
import type { FileReads } from './file-reads.js'
import type { AttributeChanges, Attributes } from './file-system.js'
import { clearTail } from './file-tail.js'
import type { FileWrites } from './file-writes.js'
import { allocationBytesMax } from './limits.js'
import type { LocationCache } from './location-cache.js'
import type { Metadata } from './metadata.js'
import { alignedPieces, type Range } from './ranges.js'
import { planRead, type Reader, type ReadPlan } from './read-ahead.js'

export interface OpenInodeOptions {
  readonly ino: Ino
  readonly writes: FileWrites
  readonly reads: FileReads
  readonly metadata: Metadata
  readonly locations: LocationCache
  readonly extents: Pick<ChunkExtents, 'stored' | 'length' | 'order'>
  readonly turns: Pick<AppendTurns, 'during'>
  readonly nextDataId: () => DataId
}

export class OpenInode {
  readonly ino: Ino
  readonly writes: FileWrites
  readonly reads: FileReads
  /** Opens, and calls under way, that need this. */
  users = 0
  /** Whether the master counts the inode as open for our session. */
  opened = false
  readonly #options: OpenInodeOptions
  #lost: LeasefsError | undefined
  /** Up to here all that replicas have is the file's; beyond its end there may be more (file-tail.ts). Infinity: there is not. */
  #wholeTo = 0
  #truncating: Promise<void> | undefined

  constructor(options: OpenInodeOptions) {
    this.#options = options
    this.ino = options.ino
    this.writes = options.writes
    this.reads = options.reads
  }

  /** The master has opened it for our session, or made it for us. */
  nowOpen({ size }: Attributes, made = false): void {
    this.opened = true
    this.#wholeTo = made ? Infinity : size
  }

  nowClosed(): void {
    this.opened = false
    this.#wholeTo = 0
  }

  /** In a new session. Until it is open in that, others may take what we write for a dead client's. */
  reopen(): Promise<void> {
    return this.#alone(async () => this.nowOpen(await this.#options.metadata.open(this.ino)))
  }

  /** The inode is gone with the session that had it open: every use of a handle says so from now on. */
  lose(): void {
    this.#lost = new LeasefsError('IO', `inode ${this.ino} was removed while the session with the master was lost`)
  }

  /** @throws LeasefsError IO: see lose() */
  check(): void {
    if (this.#lost) throw this.#lost
  }

  /** Whether the next open would find something here. */
  get isOfUse(): boolean {
    return !this.#lost && (this.opened || !this.reads.isEmpty)
  }

  async attributes(): Promise<Attributes> {
    return this.writes.view(await this.#options.metadata.getAttributes(this.ino))
  }

  /** What a reader gets of the file: what is dirty, and for the rest what the replicas have. */
  async read(reader: Reader, offset: number, length: number): Promise<{ reader: Reader; pieces: readonly Buffer[] }> {
    const { size } = await this.attributes()
    const range = { start: offset, end: Math.min(offset + length, size) }
    if (range.end <= range.start) return { reader, pieces: [] }
    const plan = planRead(reader, range.start, range.end - range.start, size)
    const pieces = this.writes.touches(range)
      ? await this.#readOver(range, size, plan)
      : await this.#readClean(range, size, plan)
    return { reader: plan.reader, pieces }
  }

  /** Takes a copy of the bytes. The caller has waited for room. */
  async write(offset: number, data: Buffer): Promise<void> {
    await this.#untruncated()
    if (offset > this.#wholeTo) await this.#reach(offset)
    if (offset <= this.#wholeTo) this.#wholeTo = Math.max(this.#wholeTo, offset + data.length)
    this.writes.write(offset, data)
  }

  /** Before a write that begins there. Those that go on where another ended do not come here. */
  async #reach(offset: number): Promise<void> {
    const { size } = await this.attributes()
    if (offset > size) await this.#alone(() => this.#growBeyond())
    else this.#wholeTo = Math.max(this.#wholeTo, size)
    await this.#untruncated()
  }

  /** Before the file gets bytes that nobody writes: they are zeros. */
  async #growBeyond(): Promise<void> {
    if (this.#wholeTo === Infinity) return
    await this.writes.flush()
    if ((await clearTail(this.#options)) && this.opened) this.#wholeTo = Infinity
  }

  /** As write(), at the end of the file, whoever else appends to it. `check` may refuse that offset by throwing. */
  append(data: Buffer, check: (offset: number) => void, cause?: number): Promise<void> {
    return this.#options.turns.during(this.ino, () => this.#append(data, check, cause))
  }

  async #append(data: Buffer, check: (offset: number) => void, cause: number | undefined): Promise<void> {
    const { metadata } = this.#options
    for (;;) {
      await this.#untruncated()
      const asked = await metadata.getAttributes(this.ino)
      if (this.#truncating) continue
      // From here to the write nothing is waited for: no other append comes between.
      const { size } = this.writes.view(metadata.known?.attributes(this.ino) ?? asked)
      check(size)
      return this.writes.write(size, data, cause)
    }
  }

  async #untruncated(): Promise<void> {
    while (this.#truncating) await this.#truncating
  }

  /** Changes the size, and what else is to change with it, while no one writes. */
  truncate(changes: AttributeChanges & { readonly size: number }): Promise<Attributes> {
    return this.#alone(() => this.#truncate(changes))
  }

  /** These bytes read as zeros. What lies beyond the end of the file is left alone. */
  zero(range: Range): Promise<void> {
    return this.#alone(async () => {
      const { size } = await this.attributes()
      const end = Math.min(range.end, size)
      await this.#mutateRange('zero', { start: Math.min(range.start, end), end }, chunkSize)
    })
  }

  /** What of these bytes is a hole is stored as zeros. The size stays. */
  allocate(range: Range): Promise<void> {
    return this.#alone(async () => {
      if (range.end > (await this.attributes()).size) await this.#growBeyond()
      await this.#mutateRange('allocate', range, allocationBytesMax)
    })
  }

  /** The first offset from `offset` on that is stored, or in a hole; the end of the file is a hole. */
  async seek(offset: number, what: 'data' | 'hole'): Promise<number | undefined> {
    await this.writes.flush()
    const { size } = await this.attributes()
    if (offset >= size) return undefined
    for (let index = Math.floor(offset / chunkSize); index * chunkSize < size; index++) {
      const start = index * chunkSize
      const from = Math.max(0, offset - start)
      const stored = (await this.#options.extents.stored(this.ino, index)) ?? []
      const found = what === 'data' ? firstIn(stored, from) : firstOutside(stored, from)
      if (found !== undefined && start + found < size) return start + found
    }
    return what === 'hole' ? size : undefined
  }

  /** Runs while no one writes, and nothing else runs so. */
  async #alone<T>(run: () => Promise<T>): Promise<T> {
    while (this.#truncating) await this.#truncating
    const running = run()
    this.#truncating = running.then(
      () => {},
      () => {},
    )
    try {
      return await running
    } finally {
      this.#truncating = undefined
    }
  }

  /** One mutation after the other, each within a chunk; what was written before comes before them. */
  async #mutateRange(kind: 'zero' | 'allocate', range: Range, lengthMax: number): Promise<void> {
    const { locations, nextDataId } = this.#options
    await this.writes.flush()
    try {
      for (const { start, end } of alignedPieces(range, lengthMax)) {
        const index = Math.floor(start / chunkSize)
        if (kind === 'zero' && !(await locations.locate(this.ino, index, 'read')).chunk) continue // A hole already.
        const offset = start - index * chunkSize
        await this.writes.applyOne(index, { kind, id: nextDataId(), offset, length: end - start })
      }
    } finally {
      this.reads.drop()
      await this.writes.reportChange()
    }
  }

  /**
   * First the replicas of the chunk that becomes the last, then the master. What
   * lies beyond the new end is gone when the file grows again.
   */
  async #truncate(changes: AttributeChanges & { readonly size: number }): Promise<Attributes> {
    const { metadata, locations, nextDataId } = this.#options
    const { size } = changes
    const before = await this.attributes()
    await this.writes.cut(size)
    const index = Math.floor(size / chunkSize)
    const length = size % chunkSize
    if (size < before.size && length > 0) {
      const { chunk } = await locations.locate(this.ino, index, 'read')
      if (chunk) await this.writes.applyOne(index, { kind: 'truncate', id: nextDataId(), length })
    }
    if (size > before.size) await this.#growBeyond()
    const attributes = await metadata.setAttributes(this.ino, changes, this.writes.takeUsages())
    this.reads.drop()
    locations.drop(this.ino)
    return this.writes.view(attributes)
  }

  /**
   * Blocks are kept only while the master would tell us of a change: we have
   * asked about the inode, our lease is in force, and it was not invalidated since.
   */
  #readClean(range: Range, size: number, plan: ReadPlan): Promise<readonly Buffer[]> {
    const mayKeep = this.#options.metadata.known?.attributes(this.ino) !== undefined
    return mayKeep ? this.reads.read(range, size, plan) : this.reads.readThrough(range)
  }

  /** What is dirty is copied before anything is waited for; what is missing was applied before that. */
  async #readOver(range: Range, size: number, plan: ReadPlan): Promise<readonly Buffer[]> {
    const target = Buffer.allocUnsafe(range.end - range.start)
    const missing = this.writes.missing(range)
    this.writes.copyTo(target, range.start)
    await Promise.all(
      missing.map(async gap => {
        let at = gap.start - range.start
        for (const piece of await this.#readClean(gap, size, plan)) at += piece.copy(target, at)
      }),
    )
    return [target]
  }
}

/** The first byte from `from` on that one of the ranges has. They are in order and do not touch. */
function firstIn(ranges: readonly Range[], from: number): number | undefined {
  const range = ranges.find(({ end }) => end > from)
  return range && Math.max(from, range.start)
}

/** The first byte of the chunk from `from` on that none of the ranges has. */
function firstOutside(ranges: readonly Range[], from: number): number | undefined {
  const range = ranges.find(({ start, end }) => start <= from && from < end)
  const found = range ? range.end : from
  return found < chunkSize ? found : undefined
}
