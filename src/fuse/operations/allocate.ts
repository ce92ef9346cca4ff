// fallocate(2): its modes in terms of what a file can do.

import { LeasefsError } from '../../base/errors.js'
import type { FileSystem, OpenFile } from '../../client/file-system.js'
import { fileSizeMax } from '../../constants.js'

/** As in <linux/falloc.h>. */
export const falloc = { keepSize: 0x01, punchHole: 0x02, zeroRange: 0x10 } as const

/** @throws LeasefsError NOT_SUPPORTED, INVALID_ARGUMENT, FILE_TOO_LARGE, NO_SPACE */
export async function allocate(
  fileSystem: FileSystem,
  file: OpenFile,
  { mode, offset, length }: { readonly mode: number; readonly offset: number; readonly length: number },
): Promise<void> {
  const keepsSize = (mode & falloc.keepSize) !== 0
  const change = mode & ~falloc.keepSize
  const known = change === 0 || change === falloc.zeroRange || (change === falloc.punchHole && keepsSize)
  if (!known) throw new LeasefsError('NOT_SUPPORTED', `fallocate with mode ${mode.toString(16)}`)
  checkRange(offset, length)

  if (change !== 0) await file.zero(offset, length)
  if (change === falloc.punchHole) return
  await file.allocate(offset, length)
  if (keepsSize) return
  const { size } = await fileSystem.getAttributes(file.ino)
  if (offset + length > size) await fileSystem.setAttributes(file.ino, { size: offset + length })
}

function checkRange(offset: number, length: number): void {
  if (!(offset >= 0 && length > 0)) throw new LeasefsError('INVALID_ARGUMENT', `${length} bytes at ${offset}`)
  if (offset + length > fileSizeMax) {
    throw new LeasefsError('FILE_TOO_LARGE', `${length} bytes at ${offset} end beyond the largest file`)
  }
}
