// Open files.

import { constants } from 'node:fs'
import { LeasefsError, rethrowBug } from '../../../base/errors.js'
import { fileSizeMax } from '../../../constants.js'
import { KernelError } from '../../errno.js'
import { type Context, entryReply } from './context.js'
import { requestBytesMax } from './limits.js'
import { openKillsPrivileges, openReplyFlags, releaseFlocks, writeKillsPrivileges } from './protocol.js'
import { type Call, done, nameAt, reply } from './request.js'
import {
  createIn,
  fallocateIn,
  flushIn,
  fsyncIn,
  lseekIn,
  lseekOut,
  openIn,
  openOut,
  readIn,
  releaseIn,
  writeIn,
  writeOut,
} from './structs.js'

export function fileCalls(context: Context) {
  const { files } = context.operations

  /**
   * A kernel that holds writes back knows itself where the end is, and reads
   * pages that it has to write a part of.
   */
  function ownFlags(flags: number): number {
    if (!context.exclusive) return flags
    const access = flags & (constants.O_WRONLY | constants.O_RDWR)
    const readable = access === constants.O_WRONLY ? (flags & ~constants.O_WRONLY) | constants.O_RDWR : flags
    return readable & ~constants.O_APPEND
  }

  /**
   * What is appended goes past the kernel's pages: it would cut a write(2) where
   * a page ends, as it believes the file to lie, and another mount's could come between.
   */
  function opened(handle: number, flags: number): Buffer {
    const keep = files.mayKeepPages(handle) ? openReplyFlags.KEEP_CACHE : 0
    const direct = (flags & constants.O_APPEND) !== 0 ? openReplyFlags.DIRECT_IO : 0
    return openOut.encode({ fh: handle, openFlags: keep | direct })
  }

  /** Nobody uses what was opened. */
  const abandoned = (handle: number) => () => {
    files.release(handle).catch(rethrowBug)
  }

  return {
    OPEN: async ({ ino, body }) => {
      const { flags, openFlags } = openIn.read(body)
      const killPrivileges = (openFlags & openKillsPrivileges) !== 0
      const own = ownFlags(flags)
      const handle = await files.open(ino, own, { killPrivileges })
      return { pieces: [opened(handle, own)], abandoned: abandoned(handle) }
    },

    CREATE: async request => {
      const { flags, mode, openFlags } = createIn.read(request.body)
      const name = nameAt(request.body, createIn.size)
      const killPrivileges = (openFlags & openKillsPrivileges) !== 0
      // What an earlier process made for this call is not someone else's.
      const own = ownFlags(request.isDone ? flags & ~constants.O_EXCL : flags)
      const made = await files.create(request.ino, name, mode & 0o7777, request, own, { killPrivileges })
      const entry = entryReply(context, request.ino, name, made.attributes)
      return { ...entry, pieces: [...entry.pieces, opened(made.handle, own)], abandoned: abandoned(made.handle) }
    },

    READ: async ({ body }) => {
      const { fh, offset, size } = readIn.read(body)
      const length = Math.min(size, requestBytesMax, fileSizeMax - offset)
      return length > 0 ? { pieces: await files.read(fh, offset, length) } : done
    },

    WRITE: async ({ body, cause, isDone }) => {
      const { fh, offset, size, writeFlags } = writeIn.read(body)
      const data = body.subarray(writeIn.size, writeIn.size + size)
      if (data.length < size) throw new KernelError('EINVAL', 'a request without the data it announces')
      if (offset + size > fileSizeMax) throw new LeasefsError('FILE_TOO_LARGE', `${size} bytes at ${offset}`)
      const killPrivileges = (writeFlags & writeKillsPrivileges) !== 0
      if (!isDone) await files.write(fh, offset, data, { killPrivileges, cause })
      return reply(writeOut.encode({ size }))
    },

    FLUSH: async ({ body }) => {
      const { fh, lockOwner } = flushIn.read(body)
      await files.flush(fh, lockOwner)
      return done
    },

    RELEASE: async ({ body }) => {
      const { fh, releaseFlags, lockOwner } = releaseIn.read(body)
      await files.release(fh, (releaseFlags & releaseFlocks) !== 0 ? lockOwner : undefined)
      return done
    },

    FSYNC: async ({ body }) => {
      await files.sync(fsyncIn.read(body).fh)
      return done
    },

    FALLOCATE: async ({ body, uid }) => {
      const { fh, mode, offset, length } = fallocateIn.read(body)
      // Of this call the kernel does not say whether the caller is trusted with the bits (CAP_FSETID): root is.
      await files.allocate(fh, mode, offset, length, { killPrivileges: uid !== 0 })
      return done
    },

    LSEEK: async ({ body }) => {
      const { fh, offset, whence } = lseekIn.read(body)
      return reply(lseekOut.encode({ offset: await files.seek(fh, offset, whence) }))
    },
  } satisfies Record<string, Call>
}
