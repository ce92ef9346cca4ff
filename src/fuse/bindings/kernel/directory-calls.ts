// Reading directories, with attributes (READDIRPLUS) or without.

import { KernelError } from '../../errno.js'
import type { ListedEntry } from '../../operations/directories.js'
import { attributesValidMs, type Context, nameValidMs } from './context.js'
import { direntSize, writeDirent, writeEntry } from './encoding.js'
import { requestBytesMax } from './limits.js'
import { type Call, done, type Reply, type Request, reply } from './request.js'
import { entryOut, openOut, readIn, releaseIn } from './structs.js'

/** For guessing how many entries fill an answer; what is too many is asked for again. */
const typicalNameLength = 20

export function directoryCalls(context: Context) {
  const { directories } = context.operations

  async function read({ ino, body }: Request, plus: boolean): Promise<Reply> {
    const { fh, offset, size } = readIn.read(body)
    context.known.listingTaken(fh)
    if (size > requestBytesMax) throw new KernelError('EINVAL', `a listing of ${size} bytes`)
    const head = plus ? entryOut.size : 0
    const countMax = Math.max(1, Math.floor(size / (head + direntSize(typicalNameLength))))
    const entries = await directories.read(fh, offset, countMax, { attributes: plus })
    const bytes = Buffer.allocUnsafe(size)
    const told: ListedEntry[] = []
    let length = 0
    for (const [index, entry] of entries.entries()) {
      const end = length + head + direntSize(entry.name.length)
      if (end > size) break
      if (plus && entry.attributes) {
        const { attributes, name } = entry
        const nameMs = nameValidMs(context, ino, name)
        writeEntry(bytes, length, attributes, nameMs, attributesValidMs(context, attributes))
        told.push(entry)
      } else bytes.fill(0, length, length + head) // Its name and no more: the kernel looks it up when it is used.
      writeDirent(bytes, length + head, entry, offset + index + 1)
      length = end
    }
    if (told.length > 0) context.known.listingTold(fh, ino)
    return {
      pieces: [bytes.subarray(0, length)],
      delivered: () => {
        for (const entry of told) context.known.told(entry.ino)
      },
    }
  }

  return {
    OPENDIR: async ({ ino }) => {
      const handle = await directories.open(ino)
      return { ...reply(openOut.encode({ fh: handle })), abandoned: () => directories.release(handle) }
    },

    READDIR: request => read(request, false),
    READDIRPLUS: request => read(request, true),

    RELEASEDIR: async ({ body }) => {
      const { fh } = releaseIn.read(body)
      context.known.listingTaken(fh)
      directories.release(fh)
      return done
    },

    FSYNCDIR: async ({ ino }) => {
      await directories.sync(ino)
      return done
    },
  } satisfies Record<string, Call>
}
