// The paths of inodes. Files do not know in which directories they are, so all
// entries are looked through, once for all files that are asked for.

import { rootIno, trashIno } from '../../constants.js'
import { StoredDentry } from '../../wire/gen/state.js'
import { inodeOf, readable } from '../check/tables.js'
import { keyNumber } from '../state/keys.js'
import type { StateReader } from '../state/state-store.js'
import type { Slices } from './slices.js'

/** Directories in a path: more are in a circle. */
const depthMax = 4096

const slash = Buffer.from('/')

/** One path of each that has one. */
export async function pathsOf(
  reader: StateReader,
  inos: ReadonlySet<number>,
  slices: Pick<Slices, 'row'>,
): Promise<Map<number, Buffer>> {
  const paths = new Map<number, Buffer>()
  const wanted = new Set(inos)
  for (const { key, value } of wanted.size > 0 ? reader.table('dentries').range({ from: Buffer.alloc(0) }) : []) {
    const rest = slices.row()
    if (rest) await rest
    const ino = readable(StoredDentry, value)?.ino
    if (ino === undefined || !wanted.delete(ino)) continue
    const path = pathOf(reader, keyNumber(key, 0), key.subarray(8))
    if (path) paths.set(ino, path)
    if (wanted.size === 0) break
  }
  if (wanted.has(rootIno)) paths.set(rootIno, slash)
  return paths
}

function pathOf(reader: StateReader, parent: number, name: Buffer): Buffer | undefined {
  const parts = [name]
  let at = parent
  for (let depth = 0; at !== rootIno; depth++) {
    const directory = at === trashIno ? undefined : inodeOf(reader, at)
    if (at === trashIno) parts.unshift(Buffer.from('.trash'))
    if (at === trashIno) break
    if (!directory || directory.name.length === 0 || depth >= depthMax) return undefined
    parts.unshift(directory.name)
    at = directory.parent
  }
  return Buffer.concat(parts.flatMap(part => [slash, part]))
}
