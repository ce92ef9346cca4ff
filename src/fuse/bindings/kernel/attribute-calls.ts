// Attributes, the file system's own numbers, and extended attributes.

import { LeasefsError } from '../../../base/errors.js'
import type { AttributeChanges, Timestamp } from '../../../client/file-system.js'
import { KernelError } from '../../errno.js'
import { attributesReply, type Context } from './context.js'
import { pageSize } from './limits.js'
import { setattrFlags, xattrFlags } from './protocol.js'
import { type Call, done, nameAt, type Reply, reply } from './request.js'
import { getxattrIn, getxattrOut, setattrIn, setxattrIn, statfsOut } from './structs.js'

export function attributeCalls(context: Context) {
  const { attributes } = context.operations
  return {
    GETATTR: async ({ ino }) => {
      try {
        return attributesReply(context, await attributes.get(ino))
      } catch (reason) {
        const removed = context.known.asRemoved(ino)
        if (!removed || !(reason instanceof LeasefsError) || reason.code !== 'NOT_FOUND') throw reason
        return attributesReply(context, removed)
      }
    },

    SETATTR: async ({ ino, body }) => attributesReply(context, await attributes.set(ino, changesOf(body))),

    STATFS: async () => {
      const status = await attributes.status(pageSize, Number.MAX_SAFE_INTEGER)
      return reply(
        statfsOut.encode({
          blocks: status.blocks,
          bfree: status.blocksFree,
          bavail: status.blocksAvailable,
          files: status.files,
          ffree: status.filesFree,
          bsize: status.blockSize,
          frsize: status.blockSize,
          namelen: status.nameLengthMax,
        }),
      )
    },
  } satisfies Record<string, Call>
}

/** What SETATTR asks to be changed; what is not marked as valid stays. */
export function changesOf(body: Buffer): AttributeChanges {
  const struct = setattrIn.read(body)
  const has = (flag: number) => (struct.valid & flag) !== 0
  const { atime, atimensec, mtime, mtimensec } = struct
  const atimeNow = has(setattrFlags.ATIME_NOW)
  const mtimeNow = has(setattrFlags.MTIME_NOW)
  return {
    ...(has(setattrFlags.MODE) && { mode: struct.mode & 0o7777 }),
    ...(has(setattrFlags.UID) && { uid: struct.uid }),
    ...(has(setattrFlags.GID) && { gid: struct.gid }),
    ...(has(setattrFlags.SIZE) && { size: struct.size }),
    ...(has(setattrFlags.ATIME) && { atime: atimeNow ? 'now' : timestamp(atime, atimensec) }),
    ...(has(setattrFlags.MTIME) && { mtime: mtimeNow ? 'now' : timestamp(mtime, mtimensec) }),
    ...(has(setattrFlags.KILL_SUIDGID) && { killPrivileges: true }),
  }
}

function timestamp(seconds: number, nanos: number): Timestamp {
  return { seconds, nanos }
}

export function xattrCalls({ operations }: Context) {
  const { xattrs } = operations
  return {
    SETXATTR: async ({ ino, body, cause, isDone }) => {
      if (isDone) return done
      const { size, flags } = setxattrIn.read(body)
      const name = nameAt(body, setxattrIn.size)
      const at = setxattrIn.size + name.length + 1
      const value = Buffer.from(body.subarray(at, at + size))
      if (value.length < size) throw new KernelError('EINVAL', 'a request without the value it announces')
      const createOnly = (flags & xattrFlags.CREATE) !== 0
      const replaceOnly = (flags & xattrFlags.REPLACE) !== 0
      await xattrs.set(ino, name, value, { createOnly, replaceOnly, cause })
      return done
    },

    GETXATTR: async ({ ino, body }) => {
      const { size } = getxattrIn.read(body)
      return sized(size, await xattrs.get(ino, nameAt(body, getxattrIn.size)))
    },

    LISTXATTR: async request => sized(getxattrIn.read(request.body).size, await xattrs.list(request.ino, request)),

    REMOVEXATTR: async ({ ino, body, cause, isDone }) => {
      if (!isDone) await xattrs.remove(ino, nameAt(body, 0), { cause })
      return done
    },
  } satisfies Record<string, Call>
}

/** As getxattr(2): how long the value is, if it is asked with no room; else the value, if there is room for it. */
function sized(room: number, value: Buffer): Reply {
  if (room === 0) return reply(getxattrOut.encode({ size: value.length }))
  if (value.length > room) throw new LeasefsError('OUT_OF_RANGE', `${value.length} bytes, and room for ${room}`)
  return reply(value)
}
