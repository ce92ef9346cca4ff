// File operations on descriptors, as promises. The one place that knows what
// the errors of the system mean. (fs/promises has them on FileHandle objects,
// at twice the cost of a call.)

import * as fs from 'node:fs'
import { type ErrorCode, LeasefsError } from '../../base/errors.js'
import { MiB } from '../../base/units.js'

const codes: Record<string, ErrorCode> = {
  ENOSPC: 'NO_SPACE',
  EDQUOT: 'NO_SPACE',
  EEXIST: 'ALREADY_EXISTS',
}

/** What the disk said, as a LeasefsError: NO_SPACE, ALREADY_EXISTS, and IO for everything else (EIO, EROFS, …). */
export function diskError(path: string, reason: unknown): LeasefsError {
  if (reason instanceof LeasefsError) return reason
  const { code = '', message } = reason as NodeJS.ErrnoException
  return new LeasefsError(codes[code] ?? 'IO', `${path}: ${message}`, { cause: reason })
}

/** An open file. Its path is for messages. */
export interface DiskFile {
  readonly fd: number
  readonly path: string
}

function settle<T>(path: string, run: (done: (error: Error | null, value: T) => void) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    run((error, value) => (error ? reject(diskError(path, error)) : resolve(value)))
  })
}

export async function openFile(path: string, flags: string | number): Promise<DiskFile> {
  return { path, fd: await settle<number>(path, done => fs.open(path, flags, 0o600, done)) }
}

export function closeFile({ fd, path }: DiskFile): Promise<void> {
  return settle(path, done => fs.close(fd, error => done(error ?? null, undefined)))
}

/** Fills `buffer` from `position`; returns how much there was before the end of the file. */
export function readAt(file: DiskFile, buffer: Buffer, position: number): Promise<number> {
  return readAligned(file, buffer, position, 1)
}

/** As readAt, of a file past the cache: after a piece that is no multiple of `alignment` there is no more. */
export async function readAligned(
  { fd, path }: DiskFile,
  buffer: Buffer,
  position: number,
  alignment: number,
): Promise<number> {
  let count = 0
  while (count < buffer.length && count % alignment === 0) {
    const from = count
    const read = await settle<number>(path, done =>
      fs.read(fd, buffer, from, buffer.length - from, position + from, done),
    )
    if (read === 0) break
    count += read
  }
  return count
}

/** Writes the pieces one after another. After an error any part of them may have been written. */
export async function writeAt({ fd, path }: DiskFile, buffers: readonly Buffer[], position: number): Promise<void> {
  let rest = buffers
  let at = position
  while (rest.length > 0) {
    const now = rest
    const from = at
    const written = await settle<number>(path, done => fs.writev(fd, now as Buffer[], from, done))
    at += written
    rest = dropBytes(rest, written)
  }
}

const zeroPiece = Buffer.alloc(1 * MiB)

/** So many zeros, in pieces to be written. */
export function zeros(length: number): Buffer[] {
  const whole = Math.floor(length / zeroPiece.length)
  return [...Array<Buffer>(whole).fill(zeroPiece), zeroPiece.subarray(0, length - whole * zeroPiece.length)]
}

/** What is left of the buffers after their first `count` bytes. */
function dropBytes(buffers: readonly Buffer[], count: number): readonly Buffer[] {
  let skip = count
  for (const [index, buffer] of buffers.entries()) {
    if (skip < buffer.length) return [buffer.subarray(skip), ...buffers.slice(index + 1)]
    skip -= buffer.length
  }
  return []
}

export function truncateFile({ fd, path }: DiskFile, length: number): Promise<void> {
  return settle(path, done => fs.ftruncate(fd, length, error => done(error, undefined)))
}

export function syncFileData({ fd, path }: DiskFile): Promise<void> {
  return settle(path, done => fs.fdatasync(fd, error => done(error, undefined)))
}

export function fileStats({ fd, path }: DiskFile): Promise<fs.Stats> {
  return settle<fs.Stats>(path, done => fs.fstat(fd, done))
}

export async function fileSize(file: DiskFile): Promise<number> {
  return (await fileStats(file)).size
}

/** Nothing happens if there is no such file. */
export async function removeFile(path: string): Promise<void> {
  await fs.promises.rm(path, { force: true }).catch(reason => {
    throw diskError(path, reason)
  })
}
