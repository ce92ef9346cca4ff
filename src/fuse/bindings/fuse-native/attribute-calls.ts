// Operations on attributes and extended attributes, by path.

import { KernelError } from '../../errno.js'
import { type CallTable, plain } from './calls.js'
import type { Context } from './context.js'
import { bigintOf, noStat, noStatvfs, numberOf, preferredIoSize, statOf, statvfsOf } from './encoding.js'
import { modificationMs } from './request-record.js'
import { timeChanges } from './times.js'

type AttributeCalls = Pick<
  CallTable,
  'getattr' | 'fgetattr' | 'chmod' | 'chown' | 'truncate' | 'ftruncate' | 'utimens' | 'statfs'
>
type XattrCalls = Pick<CallTable, 'getxattr' | 'setxattr' | 'listxattr' | 'removexattr'>

/** chown(2)'s "leave it". */
const unchanged = 2 ** 32 - 1

const permissionMask = 0o7777

export function attributeCalls(context: Context): AttributeCalls {
  const { operations, paths, log } = context
  const { attributes, files } = operations
  return {
    getattr: {
      run: async (_request, path) => [0, statOf(await paths.attributes(path))],
      failed: () => [noStat],
    },

    fgetattr: {
      run: async (_request, _path, handle) => [0, statOf(await attributes.get(files.inoOf(handle)))],
      failed: () => [noStat],
    },

    chmod: plain<'chmod'>(async (path, mode) => attributes.set(await paths.ino(path), { mode: mode & permissionMask })),

    chown: plain<'chown'>(async (path, uid, gid) => {
      const changes = { ...(uid !== unchanged && { uid }), ...(gid !== unchanged && { gid }) }
      return attributes.set(await paths.ino(path), changes)
    }),

    truncate: plain<'truncate'>(async (path, ...size) => {
      return attributes.set(await paths.ino(path), { size: numberOf(...size) })
    }),

    ftruncate: plain<'ftruncate'>(async (_path, handle, ...size) => {
      return attributes.set(files.inoOf(handle), { size: numberOf(...size) })
    }),

    utimens: {
      run: async ({ record, opcode }, path, low, high) => {
        const atimeMs = bigintOf(low, high)
        const mtimeMs = modificationMs(record, opcode, atimeMs)
        if (mtimeMs === undefined)
          log.warn({ path }, 'the modification time is not where it was: set to the access time')
        await attributes.set(await paths.ino(path), timeChanges(atimeMs, mtimeMs ?? atimeMs, context.partialTimes))
        return [0]
      },
      failed: () => [],
    },

    statfs: {
      run: async () => [0, statvfsOf(await attributes.status(preferredIoSize / 32, 2 ** 32 - 1))],
      failed: () => [noStatvfs],
    },
  }
}

export function xattrCalls({ operations, paths, owner }: Context): XattrCalls {
  const { xattrs } = operations
  return {
    getxattr: {
      run: async (_request, path, name, buffer) => {
        const value = await xattrs.get(await paths.ino(path), Buffer.from(name))
        return [fill(buffer, value), buffer.buffer]
      },
      failed: (_path, _name, buffer) => [buffer.buffer],
    },

    setxattr: {
      run: async (_request, path, name, value, _position, flags) => {
        // The value is libfuse's memory, and gone once this is answered.
        const copy = Buffer.from(value)
        const options = { createOnly: (flags & 1) !== 0, replaceOnly: (flags & 2) !== 0 }
        await xattrs.set(await paths.ino(path), Buffer.from(name), copy, options)
        return [0, value.buffer]
      },
      failed: (_path, _name, value) => [value.buffer],
    },

    listxattr: {
      run: async (_request, path, buffer) => {
        const names = await xattrs.list(await paths.ino(path), owner)
        return [fill(buffer, names), buffer.buffer]
      },
      failed: (_path, buffer) => [buffer.buffer],
    },

    removexattr: plain<'removexattr'>(async (path, name) => xattrs.remove(await paths.ino(path), Buffer.from(name))),
  }
}

/**
 * As getxattr(2): the length, and the bytes unless the buffer is empty.
 *
 * @throws KernelError ERANGE if they don't fit
 */
function fill(buffer: Buffer, value: Buffer): number {
  if (buffer.length === 0) return value.length
  if (value.length > buffer.length) throw new KernelError('ERANGE', `${value.length} bytes for ${buffer.length}`)
  return value.copy(buffer)
}
