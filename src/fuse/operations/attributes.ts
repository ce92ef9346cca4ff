// What an inode is: attributes, and the file system's own numbers.

import type { AttributeChanges, Attributes, FileSystem, Ino } from '../../client/file-system.js'
import { nameLengthMax } from '../../constants.js'
import { killCapabilities } from './privileges.js'

/** As statvfs(3). */
export interface FileSystemStatus {
  readonly blockSize: number
  readonly blocks: number
  readonly blocksFree: number
  /** To users other than root: nothing is reserved. */
  readonly blocksAvailable: number
  readonly files: number
  readonly filesFree: number
  readonly nameLengthMax: number
}

/** st_blocks counts in these whatever the block size is. */
const sectorSize = 512

/** Inodes have no limit of their own; programs that look for a free one are told of many. */
const filesMax = 2 ** 32 - 1

export class AttributeOperations {
  readonly #fileSystem: FileSystem

  constructor(fileSystem: FileSystem) {
    this.#fileSystem = fileSystem
  }

  get(ino: Ino): Promise<Attributes> {
    return this.#fileSystem.getAttributes(ino)
  }

  /** Changes what is given, and the rest stays: nothing to change is not an error. */
  async set(ino: Ino, changes: AttributeChanges): Promise<Attributes> {
    if (Object.keys(changes).length === 0) return this.get(ino)
    const { size, uid, gid } = changes
    if (size !== undefined || uid !== undefined || gid !== undefined) await killCapabilities(this.#fileSystem, ino)
    return this.#fileSystem.setAttributes(ino, changes)
  }

  /**
   * Blocks are as many bytes as `blockSizeMin` says, or twice that, and so on,
   * until their count fits `blocksMax`: what a binding can carry.
   */
  async status(blockSizeMin: number, blocksMax: number): Promise<FileSystemStatus> {
    const { totalBytes, freeBytes, inodes } = await this.#fileSystem.statistics()
    let blockSize = blockSizeMin
    while (totalBytes / blockSize > blocksMax) blockSize *= 2
    const files = Math.min(inodes, filesMax)
    const blocksFree = Math.floor(Math.min(freeBytes, totalBytes) / blockSize)
    return {
      blockSize,
      blocks: Math.floor(totalBytes / blockSize),
      blocksFree,
      blocksAvailable: blocksFree,
      files: filesMax,
      filesFree: filesMax - files,
      nameLengthMax,
    }
  }
}

/** st_blocks, of what is stored: holes take none. */
export function sectors(allocatedBytes: number): number {
  return Math.ceil(allocatedBytes / sectorSize)
}
