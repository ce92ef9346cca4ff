// A ChunkStore in memory, for tests and for the simulation. What it holds is a
// MemoryDisk, which outlives the store as a disk outlives a process.
//
// A block's buffer never changes once it is in place: so a snapshot of a
// replica is a copy of the list of its blocks.

import assert from 'node:assert/strict'
import { LeasefsError } from '../../base/errors.js'
import { MiB } from '../../base/units.js'
import { checksumBlockSize } from '../../constants.js'
import { type ChunkHandle, handleText } from '../../wire/ids.js'
import { BlockMap } from './block-map.js'
import { blockChecksum, crc32 } from './checksums.js'
import type {
  ChunkStore,
  Inspected,
  StoredBytes,
  StoredChecksums,
  StoredExtents,
  StoredReplica,
  StoreSpace,
} from './chunk-store.js'

interface Block {
  readonly bytes: Buffer
  readonly checksum: number
}

interface Contents {
  readonly version: number
  readonly length: number
  /** Holes are left out. */
  readonly blocks: readonly (Block | undefined)[]
}

export class MemoryDisk {
  readonly totalBytes: number
  readonly replicas = new Map<ChunkHandle, Contents>()
  readonly synced = new Map<ChunkHandle, Contents>()
  /** Changed since a store on it was last closed. */
  readonly dirty = new Set<ChunkHandle>()

  constructor(totalBytes = 1024 * MiB) {
    this.totalBytes = totalBytes
  }

  remove(handle: ChunkHandle): void {
    this.replicas.delete(handle)
    this.synced.delete(handle)
    this.dirty.delete(handle)
  }

  /** The machine has crashed: what was not synced is gone. */
  loseUnsynced(): void {
    this.replicas.clear()
    for (const [handle, contents] of this.synced) this.replicas.set(handle, contents)
  }

  /** Changes one byte behind the store's back. */
  corruptByte(handle: ChunkHandle, offset: number): void {
    const contents = this.replicas.get(handle)
    const index = Math.floor(offset / checksumBlockSize)
    const block = contents?.blocks[index]
    assert(contents && block, 'there is no byte to change')
    const bytes = Buffer.from(block.bytes)
    const at = offset % checksumBlockSize
    bytes[at] = ~(bytes[at] ?? 0)
    this.replicas.set(handle, { ...contents, blocks: contents.blocks.with(index, { ...block, bytes }) })
  }
}

export class MemoryStore implements ChunkStore {
  readonly #disk: MemoryDisk
  readonly #doubtful: Set<ChunkHandle>

  constructor(disk = new MemoryDisk()) {
    for (const [handle, { version }] of disk.replicas) if (version === 0) disk.remove(handle)
    this.#disk = disk
    this.#doubtful = new Set(disk.dirty)
  }

  *list(): Iterable<StoredReplica> {
    for (const [handle, { version, length }] of this.#disk.replicas) {
      yield { handle, version, length, doubtful: this.#doubtful.has(handle) }
    }
  }

  stat(handle: ChunkHandle): StoredReplica | undefined {
    const contents = this.#disk.replicas.get(handle)
    if (!contents) return undefined
    return { handle, version: contents.version, length: contents.length, doubtful: this.#doubtful.has(handle) }
  }

  async create(handle: ChunkHandle, version: number): Promise<void> {
    if (this.#disk.replicas.has(handle)) {
      throw new LeasefsError('ALREADY_EXISTS', `replica ${handleText(handle)} is here already`)
    }
    this.#put(handle, { version, length: 0, blocks: [] })
  }

  async delete(handle: ChunkHandle): Promise<void> {
    this.#disk.remove(handle)
    this.#doubtful.delete(handle)
  }

  async forget(handle: ChunkHandle): Promise<void> {
    await this.delete(handle)
  }

  async setVersion(handle: ChunkHandle, version: number): Promise<void> {
    this.#disk.replicas.set(handle, { ...this.#contents(handle), version })
    const synced = this.#disk.synced.get(handle) ?? { length: 0, blocks: [] }
    this.#disk.synced.set(handle, { ...synced, version })
  }

  async read(handle: ChunkHandle, offset: number, length: number): Promise<StoredBytes> {
    const contents = this.#contents(handle)
    const end = Math.min(offset + length, contents.length)
    const buffers: Buffer[] = []
    for (let at = offset; at < end; ) {
      const index = Math.floor(at / checksumBlockSize)
      const start = index * checksumBlockSize
      const to = Math.min(end, start + checksumBlockSize)
      buffers.push(blockAt(handle, contents, index).subarray(at - start, to - start))
      at = to
    }
    const state = buffers.reduce((sum, buffer) => crc32(buffer, sum), 0)
    return { buffers, length: Math.max(0, end - offset), crc32: state }
  }

  async write(handle: ChunkHandle, offset: number, buffers: readonly Buffer[]): Promise<void> {
    const contents = this.#contents(handle)
    const bytes = Buffer.concat(buffers)
    const end = offset + bytes.length
    const blocks = [...contents.blocks]
    for (let at = offset; at < end; ) {
      const index = Math.floor(at / checksumBlockSize)
      const start = index * checksumBlockSize
      const to = Math.min(end, start + checksumBlockSize)
      const whole = at === start && to >= Math.min(start + checksumBlockSize, contents.length)
      const block = whole ? Buffer.alloc(checksumBlockSize) : Buffer.from(blockAt(handle, contents, index))
      bytes.copy(block, at - start, at - offset, to - offset)
      blocks[index] = { bytes: block, checksum: blockChecksum(block) }
      at = to
    }
    this.#reserve(storedCount(blocks) - storedCount(contents.blocks))
    this.#put(handle, { ...contents, blocks, length: Math.max(contents.length, end) })
  }

  async truncate(handle: ChunkHandle, length: number): Promise<void> {
    const contents = this.#contents(handle)
    const within = length % checksumBlockSize
    const blocks = contents.blocks.slice(0, Math.ceil(length / checksumBlockSize))
    const index = (length - within) / checksumBlockSize
    if (length < contents.length && within > 0 && blocks[index]) {
      const bytes = Buffer.from(blockAt(handle, contents, index)).fill(0, within)
      blocks[index] = { bytes, checksum: blockChecksum(bytes) }
    }
    this.#put(handle, { ...contents, blocks, length })
  }

  async zero(handle: ChunkHandle, offset: number, length: number): Promise<void> {
    const contents = this.#contents(handle)
    const end = Math.min(offset + length, contents.length)
    const blocks = [...contents.blocks]
    for (let at = offset; at < end; ) {
      const index = Math.floor(at / checksumBlockSize)
      const start = index * checksumBlockSize
      const to = Math.min(end, start + checksumBlockSize)
      if (at === start && to === Math.min(start + checksumBlockSize, contents.length)) blocks[index] = undefined
      else if (blocks[index]) {
        const bytes = Buffer.from(blockAt(handle, contents, index)).fill(0, at - start, to - start)
        blocks[index] = { bytes, checksum: blockChecksum(bytes) }
      }
      at = to
    }
    this.#put(handle, { ...contents, blocks })
  }

  async allocate(handle: ChunkHandle, offset: number, length: number): Promise<void> {
    const contents = this.#contents(handle)
    if (length === 0) return
    const end = offset + length
    const blocks = [...contents.blocks]
    for (let index = Math.floor(offset / checksumBlockSize); index * checksumBlockSize < end; index++) {
      blocks[index] ??= { bytes: zeroBlock, checksum: blockChecksum(zeroBlock) }
    }
    this.#reserve(storedCount(blocks) - storedCount(contents.blocks))
    this.#put(handle, { ...contents, blocks, length: Math.max(contents.length, end) })
  }

  async extents(handle: ChunkHandle): Promise<StoredExtents> {
    const { blocks, length } = this.#contents(handle)
    const stored = mapOf(blocks)
    return { blocks: stored.toBuffer(), length, allocatedBytes: stored.allocatedBytes(length) }
  }

  async checksums(handle: ChunkHandle): Promise<StoredChecksums> {
    const { blocks, length } = this.#contents(handle)
    const checksums = Uint32Array.from({ length: Math.ceil(length / checksumBlockSize) }, (_, index) => {
      return blocks[index]?.checksum ?? 0
    })
    return { blocks: mapOf(blocks).toBuffer(), length, checksums }
  }

  trust(handle: ChunkHandle): void {
    this.#doubtful.delete(handle)
  }

  allocatedBytes(handle: ChunkHandle): number | undefined {
    const contents = this.#disk.replicas.get(handle)
    return contents && mapOf(contents.blocks).allocatedBytes(contents.length)
  }

  async sync(handle: ChunkHandle): Promise<void> {
    this.#disk.synced.set(handle, this.#contents(handle))
  }

  async verify(handle: ChunkHandle, first: number, end: number): Promise<readonly number[]> {
    const { blocks } = this.#contents(handle)
    const damaged: number[] = []
    for (let index = first; index < Math.min(end, blocks.length); index++) {
      const block = blocks[index]
      if (block && blockChecksum(block.bytes) !== block.checksum) damaged.push(index)
    }
    return damaged
  }

  async mend(handle: ChunkHandle, index: number, bytes: Buffer): Promise<boolean> {
    const contents = this.#contents(handle)
    const { blocks, length } = contents
    const block = blocks[index]
    if (bytes.length !== Math.min(checksumBlockSize, length - index * checksumBlockSize)) return false
    if (blockChecksum(bytes) !== (block?.checksum ?? 0)) return false
    const whole = Buffer.concat([bytes], checksumBlockSize)
    if (block) this.#disk.replicas.set(handle, { ...contents, blocks: blocks.with(index, { ...block, bytes: whole }) })
    return true
  }

  async inspect(handle: ChunkHandle): Promise<Inspected> {
    this.#contents(handle)
    return 'good'
  }

  async strangers(): Promise<readonly string[]> {
    return []
  }

  async missing(): Promise<readonly ChunkHandle[]> {
    return []
  }

  async probe(): Promise<void> {
    this.#reserve(1)
  }

  async space(): Promise<StoreSpace> {
    return { totalBytes: this.#disk.totalBytes, freeBytes: this.#disk.totalBytes - this.#usedBytes() }
  }

  async close(): Promise<void> {
    for (const [handle, contents] of this.#disk.replicas) this.#disk.synced.set(handle, contents)
    for (const handle of this.#disk.dirty) if (!this.#doubtful.has(handle)) this.#disk.dirty.delete(handle)
  }

  #put(handle: ChunkHandle, contents: Contents): void {
    this.#disk.replicas.set(handle, contents)
    this.#disk.dirty.add(handle)
  }

  #contents(handle: ChunkHandle): Contents {
    const contents = this.#disk.replicas.get(handle)
    if (contents) return contents
    throw new LeasefsError('NOT_FOUND', `no replica ${handleText(handle)} here`)
  }

  #usedBytes(): number {
    let count = 0
    for (const { blocks } of this.#disk.replicas.values()) count += storedCount(blocks)
    return count * checksumBlockSize
  }

  #reserve(blockCount: number): void {
    if (blockCount <= 0 || this.#usedBytes() + blockCount * checksumBlockSize <= this.#disk.totalBytes) return
    throw new LeasefsError('NO_SPACE', 'the disk is full')
  }
}

function mapOf(blocks: readonly (Block | undefined)[]): BlockMap {
  const stored = new BlockMap()
  for (const [index, block] of blocks.entries()) if (block) stored.add(index, index + 1)
  return stored
}

function storedCount(blocks: readonly (Block | undefined)[]): number {
  return blocks.reduce((count, block) => count + (block ? 1 : 0), 0)
}

const zeroBlock = Buffer.alloc(checksumBlockSize)

/** A whole block, verified. */
function blockAt(handle: ChunkHandle, { blocks }: Contents, index: number): Buffer {
  const block = blocks[index]
  if (!block) return zeroBlock
  if (blockChecksum(block.bytes) === block.checksum) return block.bytes
  throw new LeasefsError('CORRUPT', `replica ${handleText(handle)} is damaged in block ${index}`)
}
