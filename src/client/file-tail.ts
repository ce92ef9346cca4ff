// What replicas have beyond the end of a file. Bytes get there when a client
// dies between a commit and its report to the master: nobody was told of them,
// and they must not come to light when the file grows past them.
//
// So they are looked for before the first growth, for each open of the inode,
// that leaves a gap. What is there may also be a living client's, which is about
// to report it; that is left alone. A cut is made only
// - if the master says, after we have asked the primary where its order stands,
//   that no other session has the inode open: nobody has anything to report;
// - and if the primary has ordered nothing since: nobody who came later has.
//
// This is about the chunk in which the file ends. Chunks wholly beyond the end
// are dropped by the master when the session of who made them expires.

import { LeasefsError } from '../base/errors.js'
import { chunkSize } from '../constants.js'
import type { DataId, Ino } from '../wire/ids.js'
import type { ChunkExtents } from './chunk-extents.js'
import type { FileWrites } from './file-writes.js'
import { tailAttemptsMax } from './limits.js'
import type { Metadata } from './metadata.js'

export interface FileTailOptions {
  readonly ino: Ino
  readonly writes: Pick<FileWrites, 'applyOne'>
  readonly metadata: Pick<Metadata, 'getAttributes' | 'getOpens'>
  readonly extents: Pick<ChunkExtents, 'length' | 'order'>
  readonly nextDataId: () => DataId
}

/**
 * Resolves to true when nothing of a dead client is left beyond the end of the
 * file; to false if what is there may be a living one's. This client has
 * reported all it wrote, and writes nothing meanwhile.
 *
 * @throws LeasefsError IO: no replica says what is there; what the master and the primary say
 */
export async function clearTail(file: FileTailOptions): Promise<boolean> {
  for (let attempt = 0; attempt < tailAttemptsMax; attempt++) {
    const found = await look(file)
    if (found !== 'changed') return found === 'clear'
  }
  return false
}

async function look({ ino, writes, metadata, extents, nextDataId }: FileTailOptions) {
  const { size } = await metadata.getAttributes(ino)
  const index = Math.floor(size / chunkSize)
  const length = size % chunkSize
  if ((await extents.length(ino, index)) <= length) return 'clear'

  const after = await extents.order(ino, index)
  const { attributes, openElsewhere } = await metadata.getOpens(ino)
  if (openElsewhere) return 'in use'
  if (!after || attributes.size !== size) return 'changed'
  try {
    await writes.applyOne(index, { kind: 'truncate', id: nextDataId(), length, after })
    return 'clear'
  } catch (reason) {
    if (reason instanceof LeasefsError && reason.code === 'CHANGED') return 'changed'
    throw reason
  }
}
