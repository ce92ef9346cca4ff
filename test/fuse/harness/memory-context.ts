// The calls of the fuse-native binding on a file system in memory, answered to
// an addon that is none: what each call gives libfuse, without libfuse.

import { silentLog } from '../../../src/base/log.js'
import type { Addon, Calls, OperationName, RequestRecord } from '../../../src/fuse/bindings/fuse-native/addon.js'
import { attributeCalls, xattrCalls } from '../../../src/fuse/bindings/fuse-native/attribute-calls.js'
import { type Call, handlerOf } from '../../../src/fuse/bindings/fuse-native/calls.js'
import type { Context } from '../../../src/fuse/bindings/fuse-native/context.js'
import { fileCalls } from '../../../src/fuse/bindings/fuse-native/file-calls.js'
import { HiddenFiles } from '../../../src/fuse/bindings/fuse-native/hidden-files.js'
import { nameCalls } from '../../../src/fuse/bindings/fuse-native/name-calls.js'
import { Paths } from '../../../src/fuse/bindings/fuse-native/paths.js'
import { Threads } from '../../../src/fuse/bindings/fuse-native/threads.js'
import { UnderwayTable } from '../../../src/fuse/underway.js'
import { caller, memoryOperations } from './memory-operations.js'

export const opcode = 7

/** A request record as the addon fills it. */
export function recordOf(fields: { mode?: number; atime?: bigint; mtime?: bigint } = {}): RequestRecord {
  const record = Buffer.alloc(360)
  record.writeUInt32LE(opcode, 8)
  record.writeUInt32LE(fields.mode ?? 0, 80)
  record.writeBigInt64LE(fields.atime ?? 0n, 104)
  record.writeBigInt64LE(fields.mtime ?? 0n, 112)
  return record
}

export function memoryContext(changes: Partial<Context> = {}) {
  const { clock, fileSystem, operations } = memoryOperations()
  const hidden = new HiddenFiles()
  const context: Context = {
    operations,
    paths: new Paths(fileSystem, hidden),
    hidden,
    owner: caller,
    memory: undefined,
    threads: new Threads(() => true, silentLog),
    underway: new UnderwayTable(),
    clock,
    log: silentLog,
    partialTimes: true,
    ...changes,
  }
  const table = { ...nameCalls(context), ...attributeCalls(context), ...xattrCalls(context), ...fileCalls(context) }

  /** The answer: the result, which is a negative errno or what the operation counts, and what goes with it. */
  function ask<Name extends keyof typeof table & OperationName>(name: Name, ...args: Calls[Name]['args']) {
    return askWith(recordOf(), name, ...args)
  }

  function askWith<Name extends keyof typeof table & OperationName>(
    record: RequestRecord,
    name: Name,
    ...args: Calls[Name]['args']
  ): Promise<[result: number, ...reply: Calls[Name]['reply']]> {
    return new Promise(resolve => {
      const signal = (_record: Buffer, ...answer: [number, ...Calls[Name]['reply']]) => resolve(answer)
      const addon = { [`fuse_native_signal_${name}`]: signal } as unknown as Addon
      const handler = handlerOf(addon, name, table[name] as unknown as Call<Name>, context) as unknown as (
        ...call: [RequestRecord, number, ...Calls[Name]['args']]
      ) => void
      handler(record, opcode, ...args)
    })
  }

  return { ask, askWith, clock, context, fileSystem, operations }
}
