// Three things of libfuse 2.9 that fuse-native gives no way to, reached through
// /proc/self/mem (Linux, x64). Everything is verified first and, where it is
// not as expected, left alone; the mount then works with less:
//
// - open flags of create. Without them, a file that another mount made in the
//   same moment is opened although O_EXCL was given, and O_APPEND is not known.
// - setting only one of a file's two times (tar, touch -m). libfuse drops such
//   a request, and reports success, unless the file system has declared that
//   it takes UTIME_OMIT. fuse-native can't declare it; here the switch is set.
// - the end of threads. libfuse ends those beyond ten that are idle and starts
//   new ones at the next burst, and fuse-native keeps an event-loop handle for
//   each that ever was, all of which are walked for every request.

import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs'
import type { RequestRecord } from './addon.js'
import { fileInfoAddress, threadAddress } from './request-record.js'

/** fuse_thread_t: the address of libfuse's struct fuse, then the mount point. */
const inThread = { pthread: 8, fuse: 368, channel: 376, mountPoint: 384 } as const
/** struct fuse of libfuse 2.9: the session, an option we always set, the fuse_fs, and the two switches behind it. */
const inFuse = { session: 0, useIno: 212, fileSystem: 272, nullPathOk: 280, utimeOmitOk: 284, end: 288 } as const
/** struct fuse_fs: the pointer that was given to fuse_new, which is the fuse_thread_t. */
const inFileSystem = { userData: 368, end: 376 } as const
/** struct fuse_mt, on the stack of the first thread: int numworker, int numavail, session, channel. */
const inLoop = { available: 4, session: 8, channel: 16 } as const

/** A thread's stack ends at its pthread_t, and these are its first frames. */
const stackBottomLength = 4096

/** Idle threads as libfuse counts them: never 0, at which it starts one, nor above 10, at which it ends one. */
const frozenCount = -1_000_000

export class LibfuseMemory {
  #file: number | undefined

  private constructor(file: number) {
    this.#file = file
  }

  /** Undefined where the process's memory can't be reached this way. */
  static open(): LibfuseMemory | undefined {
    if (process.platform !== 'linux' || process.arch !== 'x64') return undefined
    try {
      return new LibfuseMemory(openSync('/proc/self/mem', 'r+'))
    } catch {
      return undefined
    }
  }

  /** From now on, nothing can be reached. */
  close(): void {
    if (this.#file !== undefined) closeSync(this.#file)
    this.#file = undefined
  }

  /** The flags of the open(2) behind a create request, or undefined if they can't be told. */
  createFlags(record: RequestRecord, opcode: number, mode: number): number | undefined {
    const address = fileInfoAddress(record, opcode, mode)
    const flags = address === undefined ? undefined : this.#read(address, 4)?.readUInt32LE(0)
    return flags !== undefined && flags & constants.O_CREAT ? flags : undefined
  }

  /**
   * Makes libfuse pass on requests that set only one time. To be called from
   * the init request, when no other is under way.
   *
   * @returns whether it does now
   */
  passPartialTimes(record: RequestRecord, opcode: number, thread: Buffer, mountPoint: string): boolean {
    const address = threadAddress(record, opcode)
    const name = Buffer.from(`${mountPoint}\0`)
    const end = inThread.mountPoint + name.length
    if (address === undefined || !thread.subarray(inThread.mountPoint, end).equals(name)) return false
    if (!this.#read(address, end)?.equals(thread.subarray(0, end))) return false

    const fuseAddress = thread.readBigUInt64LE(inThread.fuse)
    const fuse = this.#read(fuseAddress, inFuse.end)
    if (fuse?.readInt32LE(inFuse.useIno) !== 1) return false
    const fileSystem = this.#read(fuse.readBigUInt64LE(inFuse.fileSystem), inFileSystem.end)
    if (fileSystem?.readBigUInt64LE(inFileSystem.userData) !== address) return false
    if (fuse.readInt32LE(inFuse.nullPathOk) !== 0 || fuse.readInt32LE(inFuse.utimeOmitOk) !== 0) return false

    return this.#write(fuseAddress + BigInt(inFuse.utimeOmitOk), int32(1))
  }

  /**
   * Keeps libfuse from starting and ending threads. A thread may change the
   * count in the same moment and so undo it: to be repeated when one was started.
   *
   * @returns whether it could be done
   */
  fixThreads(thread: Buffer): boolean {
    const session = this.#read(thread.readBigUInt64LE(inThread.fuse), 8)?.readBigUInt64LE(inFuse.session)
    const start = thread.readBigUInt64LE(inThread.pthread) - BigInt(stackBottomLength)
    const stack = this.#read(start, stackBottomLength)
    if (session === undefined || !stack) return false

    const channel = thread.readBigUInt64LE(inThread.channel)
    for (let at = 0; at + inLoop.channel + 8 <= stack.length; at += 8) {
      if (stack.readBigUInt64LE(at + inLoop.session) !== session) continue
      if (stack.readBigUInt64LE(at + inLoop.channel) !== channel) continue
      const workers = stack.readInt32LE(at)
      const available = stack.readInt32LE(at + inLoop.available)
      if (available < 0) return true
      if (workers < 1 || available > workers) return false
      return this.#write(start + BigInt(at + inLoop.available), int32(frozenCount))
    }
    return false
  }

  #read(address: bigint, length: number): Buffer | undefined {
    if (this.#file === undefined) return undefined
    const bytes = Buffer.alloc(length)
    try {
      return readSync(this.#file, bytes, 0, length, address) === length ? bytes : undefined
    } catch {
      return undefined // Not mapped: the pointer was none.
    }
  }

  #write(address: bigint, bytes: Buffer): boolean {
    if (this.#file === undefined) return false
    try {
      return writeSync(this.#file, bytes, 0, bytes.length, Number(address)) === bytes.length
    } catch {
      return false
    }
  }
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32LE(value)
  return bytes
}
