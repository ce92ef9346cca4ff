// The fuse-native binding: libfuse 2.9 by way of the addon.
//
// It works for an ordinary user (libfuse mounts through the set-uid program
// fusermount) and needs no kernel interface of its own. What it can't say is
// listed in docs/ARCHITECTURE.md; the corrections it makes are in
// request-record.ts, libfuse-memory.ts and hidden-files.ts.

import { deferred } from '../../../base/deferred.js'
import { LeasefsError } from '../../../base/errors.js'
import { UnderwayTable } from '../../underway.js'
import type { Binding, Served, ServeOptions } from '../binding.js'
import { type Addon, type Handler, loadAddon, type OperationName, opcodesMax } from './addon.js'
import { attributeCalls, xattrCalls } from './attribute-calls.js'
import { type Call, type CallTable, handlerOf } from './calls.js'
import type { Context } from './context.js'
import { fileCalls } from './file-calls.js'
import { HiddenFiles } from './hidden-files.js'
import { LibfuseMemory } from './libfuse-memory.js'
import { mountOptions } from './mount-options.js'
import { nameCalls } from './name-calls.js'
import { Paths } from './paths.js'
import { Threads } from './threads.js'

/** The addon cuts off what is longer. */
const mountPointLengthMax = 1023

/** Memory that native threads write to, which may outlive their mount: kept until the process ends. */
const nativeMemory = new Set<Buffer>()

export const fuseNative: Binding = {
  name: 'fuse-native',
  canBeExclusive: false,

  async check() {
    loadAddon()
  },

  async serve(options: ServeOptions): Promise<Served> {
    const { mountPoint, operations, clock, log } = options
    if (Buffer.byteLength(mountPoint) > mountPointLengthMax) {
      throw new LeasefsError('NAME_TOO_LONG', `mount point ${mountPoint} is longer than ${mountPointLengthMax} bytes`)
    }
    const addon = loadAddon()
    const thread = keep(Buffer.alloc(addon.sizeof_fuse_thread_t))
    const hidden = new HiddenFiles()
    const memory = LibfuseMemory.open()
    const context: Context = {
      operations,
      paths: new Paths(operations.fileSystem, hidden),
      hidden,
      owner: { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 },
      memory,
      threads: new Threads(() => memory?.fixThreads(thread) ?? false, log),
      underway: new UnderwayTable(),
      clock,
      log,
      partialTimes: false,
    }
    return start(addon, thread, context, options)
  },
}

async function start(addon: Addon, thread: Buffer, context: Context, options: ServeOptions): Promise<Served> {
  const { mountPoint } = options
  const ready = deferred<void>()
  const init: Call<'init'> = {
    run: async ({ record, opcode }) => {
      context.partialTimes = context.memory?.passPartialTimes(record, opcode, thread, mountPoint) ?? false
      if (!context.partialTimes) context.log.warn('setting only one of the two times of a file has no effect here')
      ready.resolve()
      return [0]
    },
    failed: () => [],
  }
  const allocate = (size: number) => {
    context.threads.recordMade()
    return keep(Buffer.alloc(size))
  }
  const { handlers, implemented } = tables(addon, callTable(context, init), context)
  try {
    addon.fuse_native_mount(mountPoint, mountOptions(options), thread, {}, allocate, handlers, implemented)
  } catch (reason) {
    context.memory?.close()
    throw new LeasefsError('IO', `mounting on ${mountPoint} failed: the reason is on the lines above`, {
      cause: reason,
    })
  }
  await ready.promise
  return {
    underway: () => context.underway.list(),
    end() {
      addon.fuse_native_unmount(mountPoint, thread)
      context.memory?.close()
    },
  }
}

function callTable(context: Context, init: Call<'init'>): CallTable {
  return { init, ...nameCalls(context), ...attributeCalls(context), ...xattrCalls(context), ...fileCalls(context) }
}

/** The table as the addon wants it: by opcode, and without gaps. */
function tables(addon: Addon, calls: CallTable, context: Context): { handlers: Handler[]; implemented: Uint32Array } {
  const handlers: Handler[] = new Array(opcodesMax).fill(() => {})
  const implemented = new Uint32Array(opcodesMax)
  for (const name of Object.keys(calls) as OperationName[]) {
    const opcode = addon[`op_${name}`]
    handlers[opcode] = handlerOf(addon, name, calls[name] as Call<typeof name>, context)
    implemented[opcode] = 1
  }
  return { handlers, implemented }
}

function keep(memory: Buffer): Buffer {
  nativeMemory.add(memory)
  return memory
}
