// What programs do on the mounts of a run, and how it is judged.

import type { FileHandle } from 'node:fs/promises'
import type { Random } from '../../../src/base/random.js'

/** A mount as the work sees it. */
export interface Mount {
  readonly label: string
  readonly directory: string
  /** Its process has been killed in this round: what was under way there may fail, and may have happened all the same. */
  died: boolean
}

export interface Scene {
  readonly random: Random
  /** In ms, the same for all. */
  readonly now: () => number
}

/** One way of writing, with the files that are written so, in a directory of its own. */
export interface Work {
  readonly directory: string
  /** Writes something, and returns when it has been acknowledged. */
  write(mount: Mount): Promise<void>
  /** Reads something while others write. @throws if it can't be so */
  read(mount: Mount): Promise<void>
  /** Nothing is under way: everything that was acknowledged is there. Returns what is not so. */
  check(mount: Mount): Promise<string[]>
}

/** Whole number from 0 on. */
export function below(random: Random, limit: number): number {
  return Math.floor(random.next() * limit)
}

export function oneOf<T>(random: Random, all: readonly T[]): T {
  const one = all[below(random, all.length)]
  if (one === undefined) throw new Error('nothing to choose from')
  return one
}

/** Reads until the buffer is full or the file ends. */
export async function readFully(file: FileHandle, buffer: Buffer, position: number): Promise<Buffer> {
  let length = 0
  while (length < buffer.length) {
    const { bytesRead } = await file.read(buffer, length, buffer.length - length, position + length)
    if (bytesRead === 0) break
    length += bytesRead
  }
  return buffer.subarray(0, length)
}

/** What goes wrong while checking is wrong itself. */
export async function collect(wrong: string[], check: () => Promise<void>): Promise<void> {
  try {
    await check()
  } catch (reason) {
    wrong.push((reason as Error).message)
  }
}
