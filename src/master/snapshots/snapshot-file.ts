// One snapshot as a file: a copy of the state is sealed with its checksums and
// trailer, and checked, whole, when it is read.

import { type FileHandle, open, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32 } from '@node-rs/crc32'
import { LeasefsError } from '../../base/errors.js'
import type { ClusterId } from '../../wire/ids.js'
import { diskError } from '../journal/disk.js'
import { blockSize } from './limits.js'
import {
  checksumsLength,
  decodeTrailer,
  encodeTrailer,
  type SnapshotHead,
  snapshotIndex,
  trailerLength,
} from './snapshot-format.js'

export interface Snapshot {
  readonly path: string
  readonly index: number
}

/** The snapshots in a directory, the oldest first. @throws LeasefsError IO */
export async function findSnapshots(directory: string): Promise<Snapshot[]> {
  const names = await guardedAsync(() => namesIn(directory))
  return names.sort().flatMap(name => {
    const index = snapshotIndex(name)
    return index === undefined ? [] : [{ path: join(directory, name), index }]
  })
}

/** The same; what was being made when the process stopped is removed. @throws LeasefsError IO */
export async function listSnapshots(directory: string): Promise<Snapshot[]> {
  await guardedAsync(async () => {
    for (const name of await namesIn(directory)) {
      if (name.endsWith('.new')) await rm(join(directory, name), { recursive: true, force: true })
    }
  })
  return await findSnapshots(directory)
}

/** Makes a snapshot of the copy of a state in `path`, and makes it durable. The copy is read back from the file. @throws LeasefsError IO, NO_SPACE */
export async function seal(path: string, head: Omit<SnapshotHead, 'stateLength'>): Promise<SnapshotHead> {
  return await withFile(path, 'r+', async file => {
    const { size: stateLength } = await file.stat()
    const checksums = Buffer.alloc(checksumsLength(stateLength))
    await eachBlock(file, stateLength, async (block, at) => {
      checksums.writeUInt32LE(crc32(block), (4 * at) / blockSize)
    })
    const whole = { ...head, stateLength }
    await file.write(Buffer.concat([checksums, encodeTrailer(whole, checksums)]), 0, undefined, stateLength)
    await file.sync()
    return whole
  })
}

export interface ReadOptions {
  /** Of which the snapshot must be. */
  readonly clusterId?: ClusterId
  /** Gets the state block by block, each when its checksum has matched. */
  readonly block?: (bytes: Buffer, at: number, stateLength: number) => Promise<void>
}

/** Reads a snapshot through. @throws LeasefsError CORRUPT (with the place), NEWER_FORMAT, WRONG_CLUSTER, IO; what `block` throws */
export async function readSnapshot(path: string, { clusterId, block: take }: ReadOptions = {}): Promise<SnapshotHead> {
  return await withFile(path, 'r', async file => {
    const { head, checksums } = await readEnd(path, file)
    if (clusterId !== undefined && head.clusterId !== clusterId) {
      throw new LeasefsError('WRONG_CLUSTER', `${path} belongs to cluster ${head.clusterId}, not ${clusterId}`)
    }
    await eachBlock(file, head.stateLength, async (block, at) => {
      if (crc32(block) !== checksums.readUInt32LE((4 * at) / blockSize)) {
        throw new LeasefsError('CORRUPT', `${path}: bytes ${at} to ${at + block.length - 1} are damaged`)
      }
      await take?.(block, at, head.stateLength)
    })
    return head
  })
}

/** Puts the state of a snapshot into a new file. Not durable. @throws as readSnapshot; NO_SPACE */
export async function unpackState(path: string, to: string, clusterId: ClusterId): Promise<SnapshotHead> {
  return await withFile(to, 'w', file =>
    readSnapshot(path, {
      clusterId,
      block: async (bytes, at) => {
        await file.write(bytes, 0, bytes.length, at)
      },
    }),
  )
}

async function readEnd(path: string, file: FileHandle): Promise<{ head: SnapshotHead; checksums: Buffer }> {
  const { size } = await file.stat()
  const trailer = await readAt(file, Math.max(0, size - trailerLength), trailerLength)
  const { checksumsCrc, ...head } = decodeTrailer(trailer, path)
  const expected = head.stateLength + checksumsLength(head.stateLength) + trailerLength
  if (size !== expected) throw new LeasefsError('CORRUPT', `${path} has ${size} bytes, not ${expected}`)
  const checksums = await readAt(file, head.stateLength, checksumsLength(head.stateLength))
  if (crc32(checksums) !== checksumsCrc) throw new LeasefsError('CORRUPT', `${path}: its table of checksums is damaged`)
  return { head, checksums }
}

async function eachBlock(
  file: FileHandle,
  length: number,
  run: (block: Buffer, at: number) => Promise<void>,
): Promise<void> {
  for (let at = 0; at < length; at += blockSize) await run(await readAt(file, at, Math.min(blockSize, length - at)), at)
}

/** So many bytes, or fewer at the end of the file. */
async function readAt(file: FileHandle, at: number, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(length)
  let done = 0
  while (done < length) {
    const { bytesRead } = await file.read(bytes, done, length - done, at + done)
    if (bytesRead === 0) break
    done += bytesRead
  }
  return bytes.subarray(0, done)
}

async function withFile<T>(path: string, flags: string, run: (file: FileHandle) => Promise<T>): Promise<T> {
  return await guardedAsync(async () => {
    const file = await open(path, flags, 0o600)
    try {
      return await run(file)
    } finally {
      await file.close()
    }
  })
}

async function namesIn(directory: string): Promise<string[]> {
  try {
    return await readdir(directory)
  } catch (reason) {
    if ((reason as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw reason
  }
}

/** What the system says comes out as NO_SPACE or IO. */
async function guardedAsync<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run()
  } catch (reason) {
    throw diskError(reason)
  }
}
