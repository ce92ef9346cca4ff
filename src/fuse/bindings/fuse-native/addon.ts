// The native part of the package fuse-native 2.2.6, typed as its C source has
// it (the package ships no types), and the one place that loads it.
//
// The package's own JavaScript is left out: it drops the handle of fgetattr
// and the modification time of utimens, cuts xattr values that don't fit, and
// answers every call a tick later than need be.
//
// How it works: libfuse reads requests in threads of its own. A thread fills
// its request record, wakes the event loop, which calls the handler of that
// operation with the record, and sleeps until the handler's signal function is
// called with the same record. So as many operations overlap as libfuse has
// threads, and each record is answered exactly once.

import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import { LeasefsError } from '../../../base/errors.js'

/**
 * Per operation: what its handler is given, and what goes with the result. The
 * addon reads the latter whatever the result is, without a check: to leave one
 * out, or to pass null, ends the process.
 */
export interface Calls {
  init: { args: []; reply: [] }
  statfs: { args: [path: string]; reply: [statvfs: Uint32Array] }
  getattr: { args: [path: string]; reply: [stat: Uint32Array] }
  fgetattr: { args: [path: string, handle: number]; reply: [stat: Uint32Array] }
  readlink: { args: [path: string]; reply: [target: string] }
  mknod: { args: [path: string, mode: number, rdev: number]; reply: [] }
  mkdir: { args: [path: string, mode: number]; reply: [] }
  unlink: { args: [path: string]; reply: [] }
  rmdir: { args: [path: string]; reply: [] }
  symlink: { args: [target: string, path: string]; reply: [] }
  rename: { args: [from: string, to: string]; reply: [] }
  link: { args: [from: string, to: string]; reply: [] }
  chmod: { args: [path: string, mode: number]; reply: [] }
  chown: { args: [path: string, uid: number, gid: number]; reply: [] }
  truncate: { args: [path: string, ...size: Halves]; reply: [] }
  ftruncate: { args: [path: string, handle: number, ...size: Halves]; reply: [] }
  /** The last two repeat the access time: see request-record.ts. */
  utimens: { args: [path: string, ...atime: Halves, ...again: Halves]; reply: [] }
  open: { args: [path: string, flags: number]; reply: [handle: number] }
  create: { args: [path: string, mode: number]; reply: [handle: number] }
  /** The result is the count of bytes; the answer detaches the buffer. */
  read: {
    args: [path: string, handle: number, buffer: Buffer, length: number, ...offset: Halves]
    reply: [ignored: number, buffer: ArrayBufferLike]
  }
  write: {
    args: [path: string, handle: number, buffer: Buffer, length: number, ...offset: Halves]
    reply: [ignored: number, buffer: ArrayBufferLike]
  }
  flush: { args: [path: string, handle: number]; reply: [] }
  fsync: { args: [path: string, dataOnly: number, handle: number]; reply: [] }
  release: { args: [path: string, handle: number]; reply: [] }
  readdir: { args: [path: string]; reply: [names: string[], stats: Uint32Array[]] }
  fsyncdir: { args: [path: string, dataOnly: number, handle: number]; reply: [] }
  setxattr: {
    args: [path: string, name: string, value: Buffer, position: number, flags: number]
    reply: [buffer: ArrayBufferLike]
  }
  /** An empty buffer asks for the length. */
  getxattr: { args: [path: string, name: string, value: Buffer, position: number]; reply: [buffer: ArrayBufferLike] }
  listxattr: { args: [path: string, list: Buffer]; reply: [buffer: ArrayBufferLike] }
  removexattr: { args: [path: string, name: string]; reply: [] }
}

/** A 64-bit number. */
export type Halves = [low: number, high: number]

export type OperationName = keyof Calls

/** A struct of the addon: see request-record.ts. */
export type RequestRecord = Buffer

export type Handler = (record: RequestRecord, opcode: number, ...args: never[]) => void

type Opcodes = { readonly [Name in OperationName as `op_${Name}`]: number }
type Signals = {
  readonly [Name in OperationName as `fuse_native_signal_${Name}`]: (
    record: RequestRecord,
    result: number,
    ...reply: Calls[Name]['reply']
  ) => void
}

export interface Addon extends Opcodes, Signals {
  readonly sizeof_fuse_thread_t: number

  /**
   * Mounts and starts the threads; throws the Error "fuse failed" after libfuse
   * or fusermount have said on stderr why. `thread` and what `allocate` returns
   * are written to by native code until the process ends, and must be kept.
   */
  fuse_native_mount(
    mountPoint: string,
    options: string,
    thread: Buffer,
    context: object,
    allocate: (size: number) => Buffer,
    handlers: readonly Handler[],
    implemented: Uint32Array,
  ): void

  /** Unmounts nothing: lets the event loop end although the threads are there. */
  fuse_native_unmount(mountPoint: string, thread: Buffer): void
}

/** Length of the addon's table of operations. */
export const opcodesMax = 35

/** @throws LeasefsError NATIVE_MISSING with the command that installs what is missing */
export function loadAddon(): Addon {
  const require = createRequire(import.meta.url)
  try {
    const manifest = require.resolve('fuse-native/package.json')
    const load = createRequire(manifest)('node-gyp-build') as (folder: string) => Addon
    return load(dirname(manifest))
  } catch (reason) {
    throw new LeasefsError('NATIVE_MISSING', remedyFor(reason), { cause: reason })
  }
}

/** What to do about an error of loading the addon. */
export function remedyFor(reason: unknown): string {
  const message = reason instanceof Error ? reason.message : String(reason)
  if (message.includes('libfuse.so.2')) {
    return 'libfuse.so.2 is not installed: as root, run "apt-get install -y libfuse2"'
  }
  if (message.includes('No native build was found') || message.includes('Cannot find module')) {
    return 'fuse-native is not built for this platform: install libfuse2 first, then run "npm ci"'
  }
  return `fuse-native can't be loaded: ${message}`
}
