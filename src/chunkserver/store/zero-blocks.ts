// Zeros for whole blocks of a replica file: written, or left to the file system,
// which gives their space back.

import { checksumBlockSize } from '../../constants.js'
import type { BlockRun } from './block-map.js'
import { dataStart } from './chunk-format.js'
import { type DiskFile, writeAt, zeros } from './disk.js'
import { punchBytesMin } from './limits.js'
import type { HolePuncher } from './punch-hole.js'

/** Up to byte `end` of the replica. @throws LeasefsError NO_SPACE, IO */
export async function writeZeros(file: DiskFile, run: BlockRun, end: number): Promise<void> {
  const start = run.first * checksumBlockSize
  await writeAt(file, zeros(Math.min(run.end * checksumBlockSize, end) - start), dataStart + start)
}

/**
 * Of these stored blocks, in order, of a replica that long. What lies between
 * them is zeros already.
 *
 * @throws LeasefsError NO_SPACE, IO
 */
export async function zeroRuns(
  file: DiskFile,
  runs: readonly BlockRun[],
  length: number,
  holes: Pick<HolePuncher, 'punch'>,
): Promise<void> {
  const [from, to] = [runs[0]?.first ?? 0, runs.at(-1)?.end ?? 0]
  const count = runs.reduce((sum, { first, end }) => sum + end - first, 0)
  const [start, size] = [dataStart + from * checksumBlockSize, (to - from) * checksumBlockSize]
  if (count * checksumBlockSize >= punchBytesMin && (await holes.punch(file.path, start, size))) return
  for (const run of runs) await writeZeros(file, run, length)
}
