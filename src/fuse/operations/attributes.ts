// What an inode is: attributes, and the file system's own numbers.

import type { AttributeChanges, Attributes, FileSystem, Ino } from '../../client/file-system.js'
import { nameLengthMax } from '../../constants.js'

/** As statvfs(3). */
export interface FileSystemStatus {
  readonly blockSize: number
  readonly blocks: number
  readonly blocksFree: number
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
  set(ino: Ino, changes: AttributeChanges): Promise<Attributes> {
    if (Object.keys(changes).length === 0) return this.get(ino)
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
    return {
      blockSize,
      blocks: Math.floor(totalBytes / blockSize),
      blocksFree: Math.floor(Math.min(freeBytes, totalBytes) / blockSize),
      files: filesMax,
      filesFree: filesMax - files,
      nameLengthMax,
    }
  }
}

/** st_blocks: as if there were no holes, since where they are is known chunk by chunk only. */
export function sectors(size: number): number {
  return Math.ceil(size / sectorSize)
}
