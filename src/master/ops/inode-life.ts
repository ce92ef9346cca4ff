// What several operations do to inodes: a parent whose entries changed, a link
// taken away, and the end of an inode that has no link and is not open.

import assert from 'node:assert/strict'
import { chunkSize } from '../../constants.js'
import { FileType, type Time } from '../../wire/gen/common.js'
import type { Deletion } from '../../wire/gen/state.js'
import type { ChunkHandle, Ino } from '../../wire/ids.js'
import type { ChunkRecord } from '../chunk-table.js'
import type { State } from '../state/state.js'
import { isDirectory } from './operation.js'
import { pendingTrash, putInTrash } from './trash.js'

/** Chunks removed at a time. */
const pageLength = 1024

/** A directory's entries changed; `subdirectories` of them came (or, negative, went). */
export function entriesChanged(state: State, directory: number, subdirectories: number, now: Time): void {
  const { nlink } = state.inodes.get(directory).attributes
  state.inodes.change(directory, { nlink: nlink + subdirectories, mtime: now, ctime: now })
}

/** What became of an inode that nothing holds any more. */
export interface Released {
  /** Its chunks, if it is gone. */
  readonly freed: readonly ChunkHandle[]
  /** If it is in the trash: the directories there that have changed. */
  readonly aside: readonly Ino[]
}

const held: Released = { freed: [], aside: [] }

/** What the file had for a name, if it is to go to the trash with its last one. */
export interface Deleted {
  readonly path: Buffer
  readonly deletion: Deletion
}

/** Takes one link from an inode, a directory's last. */
export function dropLink(state: State, ino: number, now: Time, deleted?: Deleted): Released {
  const inode = state.inodes.get(ino)
  const { attributes } = inode
  assert(attributes.nlink > 0)
  const nlink = isDirectory(attributes) ? 0 : attributes.nlink - 1
  const trash = deleted && nlink === 0 ? pendingTrash(deleted.path, deleted.deletion) : inode.trash
  state.inodes.put({ ...inode, attributes: { ...attributes, nlink, ctime: now }, trash })
  return nlink > 0 ? held : releaseInode(state, ino, now)
}

/** Removes the inode if nothing holds it any more, or puts it into the trash. */
export function releaseInode(state: State, ino: number, now: Time): Released {
  const inode = state.inodes.find(ino)
  if (!inode || inode.attributes.nlink > 0 || state.opens.isOpen(ino)) return held
  const locks = state.locks.ofInode(ino)
  if (locks.length > 0) state.locks.replace(ino, locks, [])
  // Nobody wants an empty file back: there are many, and making one is no work.
  if (inode.trash && inode.attributes.size > 0) {
    return { freed: [], aside: putInTrash(state, inode, now) }
  }
  const freed = dropChunks(state, ino, 0).map(({ handle }) => handle)
  state.xattrs.removeAll(ino)
  state.inodes.remove(ino)
  state.meta.change({ inodeCount: state.meta.current.inodeCount - 1 })
  return { freed, aside: [] }
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
