// Names: looking up, making, linking, moving, removing.

import { LeasefsError } from '../../../base/errors.js'
import type { Attributes, Ino } from '../../../client/file-system.js'
import { absenceReply, type Context, entryReply } from './context.js'
import { kindOfMode } from './encoding.js'
import { renameFlags } from './protocol.js'
import { type Call, done, nameAt, namesAt, type Request, reply } from './request.js'
import { linkIn, mkdirIn, mknodIn, rename2In, renameIn } from './structs.js'

export function nameCalls(context: Context) {
  const { operations, known } = context
  const { names } = operations

  /** What a name stood for, if the kernel knows it: it may be asked about when it is gone. */
  async function before(parent: Ino, name: Buffer): Promise<Attributes | undefined> {
    return names.lookup(parent, name).catch(() => undefined)
  }

  /** What a call has made: or has made already, if an earlier process could not answer it. */
  async function made(request: Request, name: Buffer, make: () => Promise<Attributes>) {
    const attributes = await (request.isDone ? names.lookup(request.ino, name) : make())
    return entryReply(context, request.ino, name, attributes)
  }

  /** Told after a name was taken away: what had no other is remembered as removed. */
  function noteRemoved(attributes: Attributes | undefined): void {
    if (attributes && (attributes.kind === 'directory' || attributes.nlink === 1)) known.removed(attributes)
  }

  async function rename(request: Request, newParent: Ino, flags: number, namesOffset: number) {
    const [name, newName] = namesAt(request.body, namesOffset, 2) as [Buffer, Buffer]
    if (request.isDone) return done
    const unknown = flags & ~(renameFlags.NOREPLACE | renameFlags.EXCHANGE)
    if (unknown !== 0) throw new LeasefsError('INVALID_ARGUMENT', `renameat2 with flags ${flags}`)
    const exchange = (flags & renameFlags.EXCHANGE) !== 0
    const noReplace = (flags & renameFlags.NOREPLACE) !== 0
    const arrivals: [Ino, Buffer][] = [[newParent, newName]]
    if (exchange) arrivals.push([request.ino, name])
    if (newParent !== request.ino) request.alsoAbout(newParent)
    // Before, too: what another mount changes meanwhile is taken back when this is answered.
    for (const [directory, arrival] of arrivals) known.mayRemember(directory, arrival)
    const [moved, replaced] = exchange
      ? [undefined, undefined]
      : await Promise.all([before(request.ino, name), before(newParent, newName)])
    await names.rename(request.ino, name, newParent, newName, {
      noReplace,
      exchange,
      uid: request.uid,
      cause: request.cause,
    })
    for (const [directory, arrival] of arrivals) known.tookAlong(directory, arrival)
    if (replaced && replaced.ino !== moved?.ino) noteRemoved(replaced)
    return done
  }

  return {
    LOOKUP: async ({ ino, body }) => {
      const name = nameAt(body, 0)
      try {
        return entryReply(context, ino, name, await names.lookup(ino, name))
      } catch (reason) {
        if (!(reason instanceof LeasefsError) || reason.code !== 'NOT_FOUND') throw reason
        return absenceReply(context, ino, name)
      }
    },

    MKDIR: async request => {
      const { mode } = mkdirIn.read(request.body)
      const name = nameAt(request.body, mkdirIn.size)
      return made(request, name, () => names.makeDirectory(request.ino, name, mode, request))
    },

    MKNOD: async request => {
      const { mode, rdev } = mknodIn.read(request.body)
      const name = nameAt(request.body, mknodIn.size)
      const kind = kindOfMode(mode)
      if (!kind || kind === 'directory' || kind === 'symlink') {
        throw new LeasefsError('INVALID_ARGUMENT', `mknod of mode ${mode.toString(8)}`)
      }
      return made(request, name, () => names.makeNode(request.ino, name, kind, mode & 0o7777, rdev, request))
    },

    SYMLINK: async request => {
      const [name, target] = namesAt(request.body, 0, 2) as [Buffer, Buffer]
      return made(request, name, () => names.makeSymlink(request.ino, name, target, request))
    },

    READLINK: async ({ ino }) => reply(await names.readSymlink(ino)),

    LINK: async request => {
      const { oldnodeid } = linkIn.read(request.body)
      const name = nameAt(request.body, linkIn.size)
      return made(request, name, () => names.link(oldnodeid as Ino, request.ino, name, request))
    },

    UNLINK: async ({ ino, body, uid, cause, isDone }) => {
      if (isDone) return done
      const name = nameAt(body, 0)
      const attributes = await before(ino, name)
      await names.unlink(ino, name, { uid, cause })
      noteRemoved(attributes)
      return done
    },

    RMDIR: async ({ ino, body, cause, isDone }) => {
      if (isDone) return done
      const name = nameAt(body, 0)
      const attributes = await before(ino, name)
      await names.removeDirectory(ino, name, { cause })
      noteRemoved(attributes)
      return done
    },

    RENAME: async request => rename(request, renameIn.read(request.body).newdir as Ino, 0, renameIn.size),

    RENAME2: async request => {
      const { newdir, flags } = rename2In.read(request.body)
      return rename(request, newdir as Ino, flags, rename2In.size)
    },
  } satisfies Record<string, Call>
}
