// Files with content for tests of the trash.

import { checkAllocate } from '../../../src/master/ops/chunks.js'
import type { Make } from '../../../src/wire/gen/client.js'
import type { Ino } from '../../../src/wire/ids.js'
import type { Namespace } from './namespace.js'

/** A file of one chunk, in which so many bytes are stored. */
export async function writeFile(
  fs: Namespace,
  parent: number,
  name: string,
  bytes = 100,
  more: Partial<Make> = {},
): Promise<Ino> {
  const ino = (await fs.make(parent, name, more)).ino as Ino
  await fs.submit(state => checkAllocate(state, ino, [{ index: 0, replicaCount: 3 }]))
  const handle = fs.state.chunks.at(ino, 0)?.handle ?? 0
  const usage = [{ index: 0, handle, leaseId: 1, serial: 1, allocatedBytes: bytes }]
  await fs.change({ $case: 'written', value: { ino, size: bytes, mtime: undefined, usage } })
  return ino
}

/** The names in the trash of a user. */
export function trashOf(fs: Namespace, uid: number): string[] {
  const directory = fs.state.dentries.find(trashRoot, Buffer.from(String(uid)))
  return directory === undefined ? [] : fs.names(directory)
}

const trashRoot = 2 ** 32 - 1
