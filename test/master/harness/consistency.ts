// What must hold between the tables whatever was done: every count is the
// number of what it counts, and nothing is left that no one holds.

import { rootIno, trashIno } from '../../../src/constants.js'
import { lockInTheWay } from '../../../src/master/locks/lock-list.js'
import { isTrashDirectory } from '../../../src/master/ops/trash.js'
import type { State } from '../../../src/master/state/state.js'
import type { StateStore, tableNames } from '../../../src/master/state/state-store.js'
import { FileType } from '../../../src/wire/gen/common.js'

const everything = { from: Buffer.alloc(0) }

/** What is wrong, in words; nothing if all is well. */
export function inconsistencies(state: State, store: StateStore): string[] {
  const wrong: string[] = []
  const expect = (holds: boolean, text: string) => {
    if (!holds) wrong.push(text)
  }
  const keys = (name: (typeof tableNames)[number]) => Array.from(store.table(name).range(everything), ({ key }) => key)
  const number = (key: Buffer, offset = 0) => Number(key.readBigUInt64BE(offset))

  const links = new Map<number, number>()
  const subdirectories = new Map<number, number>()
  for (const key of keys('dentries')) {
    const parent = number(key)
    const ino = state.dentries.get(parent, key.subarray(8))
    const inode = state.inodes.find(ino)
    links.set(ino, (links.get(ino) ?? 0) + 1)
    expect(inode !== undefined, `entry ${key.toString('hex')} names inode ${ino}, which is gone`)
    expect(state.inodes.find(parent)?.attributes.type === FileType.DIRECTORY, `${parent} has entries`)
    if (inode?.attributes.type !== FileType.DIRECTORY) continue
    subdirectories.set(parent, (subdirectories.get(parent) ?? 0) + 1)
    expect(inode.parent === parent, `directory ${ino} is in ${parent} and says ${inode.parent}`)
  }

  const inos = keys('inodes').map(key => number(key))
  const trashDirectories = inos.filter(ino => isTrashDirectory(state.inodes.get(ino)))
  const trashed = new Set(keys('trash').map(key => number(key, 8)))
  const { trashCount, trashBytes: countedBytes } = state.meta.current
  expect(trashed.size === trashCount, `${trashed.size} files in the trash are counted as ${trashCount}`)
  let trashBytes = 0
  for (const ino of inos) {
    const { attributes, trash } = state.inodes.get(ino)
    const { type, nlink } = attributes
    const named = links.get(ino) ?? (ino === rootIno || ino === trashIno ? 1 : 0)
    const directoryLinks = named === 0 ? 0 : 2 + (subdirectories.get(ino) ?? 0)
    const expected = type === FileType.DIRECTORY ? directoryLinks : named
    expect(nlink === expected, `inode ${ino} has nlink ${nlink}, not ${expected}`)
    const kept = trash !== undefined && nlink > 0
    expect(kept === trashed.delete(ino), `inode ${ino} is listed in the trash or not`)
    expect(nlink > 0 || trash === undefined || trash.directory === 0, `inode ${ino} is in no directory of the trash`)
    if (kept) trashBytes += trash.bytes
    expect(nlink > 0 || state.opens.isOpen(ino), `inode ${ino} is held by no one`)
  }
  const counted = inos.length - trashDirectories.length
  expect(counted === state.meta.current.inodeCount, `${counted} inodes are counted as ${state.meta.current.inodeCount}`)
  expect(trashed.size === 0, `${[...trashed]} are listed in the trash, and gone`)
  expect(trashBytes === countedBytes, `${trashBytes} bytes in the trash are counted as ${countedBytes}`)

  for (const name of ['xattrs', 'opens', 'locks', 'fileChunks'] as const) {
    for (const key of keys(name)) expect(inos.includes(number(key)), `${name} of inode ${number(key)}, which is gone`)
  }
  for (const key of keys('opens')) expect(state.opens.has(number(key, 8), number(key)), 'an open is listed once')
  expect(keys('opens').length === keys('sessionOpens').length, 'opens are listed twice')
  for (const name of ['sessionOpens', 'sessionLocks', 'answers'] as const) {
    for (const key of keys(name)) expect(state.sessions.find(number(key)) !== undefined, `${name} of no session`)
  }
  const lockCounts = new Map<string, number>()
  for (const ino of keys('locks').map(key => number(key))) {
    for (const { session, lock } of state.locks.ofInode(ino)) {
      const listed = `${session} ${ino}`
      lockCounts.set(listed, (lockCounts.get(listed) ?? 0) + 1)
      expect(!lockInTheWay(state.locks.ofInode(ino), session, lock), `locks of inode ${ino} exclude one another`)
    }
  }
  const listed = Array.from(store.table('sessionLocks').range(everything), ({ key, value }) => {
    return [`${number(key)} ${number(key, 8)}`, number(value)] as const
  })
  expect(lockCounts.size === listed.length, 'locks are listed by session')
  for (const [place, count] of listed) expect(lockCounts.get(place) === count, `locks of ${place}`)

  const chunks = [...state.chunks.all()]
  for (const ino of inos) {
    const sum = chunks.reduce((bytes, chunk) => bytes + (chunk.ino === ino ? chunk.allocatedBytes : 0), 0)
    const { allocatedBytes } = state.inodes.get(ino).attributes
    expect(allocatedBytes === sum, `inode ${ino} has ${allocatedBytes} bytes, its chunks have ${sum}`)
  }
  expect(chunks.length === state.meta.current.chunkCount, 'chunks are counted')
  expect(chunks.length === keys('fileChunks').length, 'chunks are listed by file')
  for (const { ino, index, handle } of chunks) expect(state.chunks.at(ino, index)?.handle === handle, `chunk ${handle}`)
  return wrong
}
