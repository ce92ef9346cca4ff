// What several operations do to inodes: a parent whose entries changed, a link
// taken away, and the end of an inode that has no link and is not open.

import assert from 'node:assert/strict'
import { chunkSize } from '../../constants.js'
import { FileType, type Time } from '../../wire/gen/common.js'
import type { ChunkHandle } from '../../wire/ids.js'
import type { ChunkRecord } from '../chunk-table.js'
import type { State } from '../state/state.js'
import { isDirectory } from './operation.js'

/** Chunks removed at a time. */
const pageLength = 1024

/** A directory's entries changed; `subdirectories` of them came (or, negative, went). */
export function entriesChanged(state: State, directory: number, subdirectories: number, now: Time): void {
  const { nlink } = state.inodes.get(directory).attributes
  state.inodes.change(directory, { nlink: nlink + subdirectories, mtime: now, ctime: now })
}

/** Takes one link from an inode, a directory's last; returns the chunks freed with the inode. */
export function dropLink(state: State, ino: number, now: Time): ChunkHandle[] {
  const { attributes } = state.inodes.get(ino)
  assert(attributes.nlink > 0)
  const nlink = isDirectory(attributes) ? 0 : attributes.nlink - 1
  state.inodes.change(ino, { nlink, ctime: now })
  return releaseInode(state, ino)
}

/** Removes the inode if nothing holds it any more; returns the chunks freed with it. */
export function releaseInode(state: State, ino: number): ChunkHandle[] {
  const inode = state.inodes.find(ino)
  if (!inode || inode.attributes.nlink > 0 || state.opens.isOpen(ino)) return []
  const freed = dropChunks(state, ino, 0).map(({ handle }) => handle)
  const locks = state.locks.ofInode(ino)
  if (locks.length > 0) state.locks.replace(ino, locks, [])
  state.xattrs.removeAll(ino)
  state.inodes.remove(ino)
  state.meta.change({ inodeCount: state.meta.current.inodeCount - 1 })
  return freed
}

/**
 * A client that had the file open has died. If no one has it open any more,
 * removes the chunks wholly beyond its end: nobody is left to report them.
 * Returns the chunks freed.
 */
export function dropUntold(state: State, ino: number): ChunkHandle[] {
  const inode = state.inodes.find(ino)
  if (!inode || inode.attributes.type !== FileType.REGULAR || state.opens.isOpen(ino)) return []
  const { size, allocatedBytes } = inode.attributes
  const dropped = dropChunks(state, ino, Math.ceil(size / chunkSize))
  if (dropped.length === 0) return []
  const bytes = dropped.reduce((sum, chunk) => sum + chunk.allocatedBytes, 0)
  state.inodes.change(ino, { allocatedBytes: allocatedBytes - bytes })
  return dropped.map(({ handle }) => handle)
}

/** Removes the file's chunks from index `first` on; what they held is not yet taken from its allocatedBytes. */
export function dropChunks(state: State, ino: number, first: number): ChunkRecord[] {
  const dropped: ChunkRecord[] = []
  for (let page = state.chunks.page(ino, first, pageLength); page.length > 0; ) {
    for (const record of page) {
      state.chunks.remove(record)
      dropped.push(record)
    }
    page = page.length < pageLength ? [] : state.chunks.page(ino, first, pageLength)
  }
  if (dropped.length > 0) state.meta.change({ chunkCount: state.meta.current.chunkCount - dropped.length })
  return dropped
}
