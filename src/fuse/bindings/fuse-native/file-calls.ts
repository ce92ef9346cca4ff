// Operations on open files, by handle: an unlinked file has no path to go by.

import assert from 'node:assert/strict'
import { constants } from 'node:fs'
import { type CallTable, plain } from './calls.js'
import type { Context } from './context.js'
import { numberOf } from './encoding.js'

type FileCalls = Pick<CallTable, 'open' | 'create' | 'read' | 'write' | 'flush' | 'fsync' | 'release'>

/** Where the true flags of a create can't be had: fit for any use of the descriptor. */
const createFlagsDefault = constants.O_RDWR | constants.O_CREAT

export function fileCalls({ operations, paths, hidden, owner, memory }: Context): FileCalls {
  const { files } = operations
  return {
    open: {
      run: async (_request, path, flags) => [0, await files.open(await paths.ino(path), flags)],
      failed: () => [0],
    },

    create: {
      run: async ({ record, opcode }, path, mode) => {
        // Before anything is awaited: the flags are on the waiting thread's stack.
        const flags = memory?.createFlags(record, opcode, mode) ?? createFlagsDefault
        const { parent, name } = await paths.place(path)
        const { handle } = await files.create(parent, name, mode, owner, flags)
        return [0, handle]
      },
      failed: () => [0],
    },

    read: {
      run: async (_request, _path, handle, buffer, length, ...offset) => {
        let count = 0
        for (const piece of await files.read(handle, numberOf(...offset), length)) count += piece.copy(buffer, count)
        assert(count <= length)
        return [count, 0, buffer.buffer]
      },
      failed: (_path, _handle, buffer) => [0, buffer.buffer],
    },

    write: {
      run: async (_request, _path, handle, buffer, length, ...offset) => {
        await files.write(handle, numberOf(...offset), buffer)
        return [length, 0, buffer.buffer]
      },
      failed: (_path, _handle, buffer) => [0, buffer.buffer],
    },

    flush: plain<'flush'>((_path, handle) => files.flush(handle)),
    fsync: plain<'fsync'>((_path, _dataOnly, handle) => files.sync(handle)),
    release: plain<'release'>(async (_path, handle) => {
      const ino = files.inoOf(handle)
      await files.release(handle)
      if (!files.isOpen(ino)) hidden.forget(ino)
    }),
  }
}
