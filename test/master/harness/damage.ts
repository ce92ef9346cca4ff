// A small state with something of everything, and ways to damage it: one for
// each kind of finding.

import assert from 'node:assert/strict'
import type { FindingKind } from '../../../src/master/check/finding.js'
import { checkAllocate } from '../../../src/master/ops/chunks.js'
import { trashName } from '../../../src/master/ops/trash.js'
import { indexKey, nameKey, numberKey, pairKey } from '../../../src/master/state/keys.js'
import { MemoryStore } from '../../../src/master/state/memory-store.js'
import type { TableName } from '../../../src/master/state/state-store.js'
import { encodeStored } from '../../../src/master/state/stored.js'
import { LockKind, LockType } from '../../../src/wire/gen/common.js'
import { StoredChunk, StoredDentry, StoredInode, StoredLocks, StoredMeta } from '../../../src/wire/gen/state.js'
import { Namespace, root } from './namespace.js'
import { writeFile } from './trash.js'

const nothing = Buffer.alloc(0)

/** The numbers of what is in the state. */
export interface Sound {
  readonly fs: Namespace
  /** /dir, /dir/sub, /dir/file (a chunk, 100 bytes, an xattr), /file2 (two links, open, locked), a file in the trash. */
  readonly dir: number
  readonly sub: number
  readonly file: number
  readonly file2: number
  readonly trashed: number
  /** Of `file`. */
  readonly handle: number
}

export async function soundState(): Promise<Sound> {
  const fs = await Namespace.open({ store: new MemoryStore(), trash: true })
  const dir = (await fs.makeDirectory(root, 'dir')).ino
  const sub = (await fs.makeDirectory(dir, 'sub')).ino
  const { ino: file } = await fs.make(dir, 'file')
  await fs.submit(state => checkAllocate(state, file as never, [{ index: 0, replicaCount: 3 }]))
  const handle = fs.state.chunks.at(file as never, 0)?.handle
  assert(handle)
  const usage = [{ index: 0, handle, leaseId: 1, serial: 1, allocatedBytes: 100 }]
  await fs.change({ $case: 'written', value: { ino: file, size: 100, mtime: undefined, usage } })
  await fs.change({
    $case: 'setXattr',
    value: { ino: file, name: Buffer.from('user.a'), value: nothing, createOnly: false, replaceOnly: false },
  })
  const { ino: file2 } = await fs.make(root, 'file2')
  await fs.link(file2, dir, 'again')
  await fs.open(file2)
  const lock = { kind: LockKind.POSIX, type: LockType.EXCLUSIVE, start: 0, end: 10, owner: Buffer.from('a'), pid: 1 }
  await fs.change({ $case: 'setLock', value: { ino: file2, lock, wait: false } })
  const trashed = await writeFile(fs, root, 'old', 10)
  await fs.unlink(root, 'old', 10)
  return { fs, dir, sub, file, file2, trashed, handle }
}

/** Changes rows behind the state's back. */
export function setRows(fs: Namespace, rows: readonly [TableName, Buffer, Buffer | undefined][]): void {
  fs.store.transaction(() => {
    for (const [name, key, value] of rows) {
      if (value) fs.store.table(name).put(key, value)
      else fs.store.table(name).remove(key)
    }
  })
}

export interface Damage {
  readonly kind: FindingKind
  readonly name: string
  readonly rows: (sound: Sound) => [TableName, Buffer, Buffer | undefined][]
  /** Whether fsck puts it right. */
  readonly mended: boolean
  /** Other kinds that follow from it. */
  readonly also?: readonly FindingKind[]
}

const junk = Buffer.from([0xff, 0xff, 0xff])

export const damages: readonly Damage[] = [
  { kind: 'unreadable', name: 'an inode', rows: ({ file }) => [['inodes', numberKey(file), junk]], mended: false },
  { kind: 'unreadable', name: 'a directory', rows: ({ dir }) => [['inodes', numberKey(dir), junk]], mended: false },
  {
    kind: 'unreadable',
    name: 'a chunk',
    rows: ({ handle }) => [['chunks', numberKey(handle), junk]],
    mended: false,
    also: ['missing-chunk', 'wrong-usage'],
  },
  {
    kind: 'unreadable',
    name: 'a session',
    rows: ({ fs }) => [['sessions', numberKey(fs.session), junk]],
    mended: false,
  },
  {
    kind: 'wrong-inode',
    name: 'another number',
    rows: s => [inode(s, s.file, { attributes: { ino: 77 } })],
    mended: false,
  },
  { kind: 'dangling-entry', name: 'no inode', rows: () => [entry(root, 'x', 999)], mended: true },
  { kind: 'misplaced-entry', name: 'in a file', rows: ({ file2, file }) => [entry(file2, 'x', file)], mended: true },
  { kind: 'extra-entry', name: 'of a directory', rows: ({ sub }) => [entry(root, 'x', sub)], mended: true },
  {
    kind: 'bad-name',
    name: 'a slash',
    rows: ({ file2 }) => [entry(root, 'a/b', file2)],
    mended: false,
    also: ['wrong-links'],
  },
  { kind: 'wrong-parent', name: 'elsewhere', rows: s => [inode(s, s.sub, { parent: root })], mended: true },
  {
    kind: 'wrong-parent',
    name: 'otherwise called',
    rows: s => [inode(s, s.sub, { name: Buffer.from('x') })],
    mended: true,
  },
  {
    kind: 'wrong-links',
    name: 'of a file',
    rows: s => [inode(s, s.file2, { attributes: { nlink: 3 } })],
    mended: true,
  },
  {
    kind: 'wrong-links',
    name: 'of a directory',
    rows: s => [inode(s, s.dir, { attributes: { nlink: 2 } })],
    mended: true,
  },
  {
    kind: 'lost-inode',
    name: 'a file',
    rows: ({ dir }) => [['dentries', nameKey(dir, Buffer.from('file')), undefined]],
    mended: true,
  },
  {
    kind: 'lost-inode',
    name: 'a directory',
    rows: () => [['dentries', nameKey(root, Buffer.from('dir')), undefined]],
    mended: true,
    also: ['wrong-links'],
  },
  {
    kind: 'lost-inode',
    name: 'that nobody has open',
    rows: s => [
      ['dentries', nameKey(s.dir, Buffer.from('file')), undefined],
      inode(s, s.file, { attributes: { nlink: 0 } }),
    ],
    mended: true,
  },
  {
    kind: 'unreachable-directory',
    name: 'a circle',
    rows: s => [
      ['dentries', nameKey(root, Buffer.from('dir')), undefined],
      entry(s.sub, 'dir', s.dir),
      inode(s, s.dir, { parent: s.sub }),
      inode(s, s.sub, { attributes: { nlink: 3 } }),
      inode(s, root, { attributes: { nlink: 2 } }),
    ],
    mended: true,
  },
  {
    kind: 'wrong-usage',
    name: 'of a file',
    rows: s => [inode(s, s.file, { attributes: { allocatedBytes: 7 } })],
    mended: true,
  },
  { kind: 'wrong-goal', name: 'of a chunk', rows: s => [chunk(s, { goal: 2 })], mended: true },
  {
    kind: 'orphan-row',
    name: 'an attribute',
    rows: () => [['xattrs', nameKey(999, Buffer.from('user.a')), nothing]],
    mended: true,
  },
  {
    kind: 'orphan-row',
    name: 'an open of no inode',
    rows: ({ fs }) => [['sessionOpens', pairKey(fs.session, 999), nothing]],
    mended: true,
  },
  {
    kind: 'orphan-row',
    name: 'an open of no session',
    rows: ({ file }) => [['opens', pairKey(file, 99), nothing]],
    mended: true,
  },
  { kind: 'orphan-row', name: 'an answer', rows: () => [['answers', pairKey(99, 1), nothing]], mended: true },
  {
    kind: 'one-sided-open',
    name: 'not by session',
    rows: ({ fs, file2 }) => [['sessionOpens', pairKey(fs.session, file2), undefined]],
    mended: true,
  },
  {
    kind: 'one-sided-open',
    name: 'not by inode',
    rows: ({ fs, file2 }) => [['opens', pairKey(file2, fs.session), undefined]],
    mended: true,
  },
  {
    kind: 'wrong-locks',
    name: 'two owners',
    rows: ({ fs, file2 }) => {
      const held = fs.state.locks.ofInode(file2).map(({ session, lock }) => ({ sessionId: session, lock }))
      const other = held.map(({ sessionId, lock }) => ({ sessionId, lock: { ...lock, owner: Buffer.from('b') } }))
      return [
        ['locks', numberKey(file2), encodeStored(StoredLocks, { locks: [...held, ...other] })],
        ['sessionLocks', pairKey(fs.session, file2), numberKey(2)],
      ]
    },
    mended: false,
  },
  {
    kind: 'wrong-lock-count',
    name: 'too many',
    rows: ({ fs, file2 }) => [['sessionLocks', pairKey(fs.session, file2), numberKey(5)]],
    mended: true,
  },
  {
    kind: 'wrong-lock-count',
    name: 'of none',
    rows: ({ fs, file }) => [['sessionLocks', pairKey(fs.session, file), numberKey(5)]],
    mended: true,
  },
  {
    kind: 'wrong-trash',
    name: 'not listed',
    rows: ({ fs, trashed }) => [['trash', trashKey(fs, trashed), undefined]],
    mended: true,
  },
  { kind: 'wrong-trash', name: 'listed', rows: ({ file }) => [['trash', pairKey(5, file), nothing]], mended: true },
  {
    kind: 'wrong-trash',
    name: 'marked',
    rows: s => [inode(s, s.file, { attributes: { trashed: true } })],
    mended: true,
  },
  {
    kind: 'wrong-trash',
    name: 'without its entry',
    rows: ({ fs, trashed }) => {
      const trash = fs.state.inodes.get(trashed).trash
      assert(trash)
      const name = trashName(trashed, trash.path)
      return [['dentries', nameKey(trash.directory, name), undefined], entry(trash.directory, 'x', trashed)]
    },
    mended: false,
  },
  {
    kind: 'lost-chunk',
    name: 'with its listing',
    rows: () => [orphan(70, 0), ['fileChunks', indexKey(999, 0), numberKey(70)]],
    mended: true,
    also: ['wrong-count', 'low-number'],
  },
  { kind: 'lost-chunk', name: 'alone', rows: () => [orphan(71, 3)], mended: true, also: ['wrong-count', 'low-number'] },
  {
    kind: 'unlisted-chunk',
    name: 'of a file',
    rows: ({ file }) => [['fileChunks', indexKey(file, 0), undefined]],
    mended: true,
    also: ['wrong-usage'],
  },
  {
    kind: 'unlisted-chunk',
    name: 'whose place is taken',
    rows: s => [['chunks', numberKey(70), encodeStored(StoredChunk, s.fs.state.chunks.find(s.handle) as StoredChunk)]],
    mended: false,
    also: ['wrong-count', 'low-number'],
  },
  {
    kind: 'missing-chunk',
    name: 'no record',
    rows: ({ handle }) => [['chunks', numberKey(handle), undefined]],
    mended: false,
    also: ['wrong-count', 'wrong-usage'],
  },
  {
    kind: 'wrong-chunk',
    name: 'a version that cannot be',
    rows: s => [chunk(s, { settledVersion: 9 })],
    mended: false,
  },
  { kind: 'wrong-count', name: 'of inodes', rows: s => [meta(s, { inodeCount: 50 })], mended: true },
  { kind: 'wrong-count', name: 'of the trash', rows: s => [meta(s, { trashCount: 0, trashBytes: 5 })], mended: true },
  { kind: 'low-number', name: 'of handles', rows: s => [meta(s, { nextHandle: 1 })], mended: true },
  { kind: 'low-number', name: 'of inodes', rows: s => [meta(s, { nextIno: 2 })], mended: true },
]

function entry(parent: number, name: string, ino: number): [TableName, Buffer, Buffer] {
  return ['dentries', nameKey(parent, Buffer.from(name)), encodeStored(StoredDentry, { ino })]
}

interface InodeChanges {
  readonly attributes?: object
  readonly parent?: number
  readonly name?: Buffer
}

function inode({ fs }: Sound, ino: number, changes: InodeChanges): [TableName, Buffer, Buffer] {
  const was = fs.state.inodes.get(ino)
  const attributes = { ...was.attributes, ...changes.attributes }
  return ['inodes', numberKey(ino), encodeStored(StoredInode, { ...was, ...changes, attributes } as StoredInode)]
}

function chunk({ fs, handle }: Sound, changes: Partial<StoredChunk>): [TableName, Buffer, Buffer] {
  const was = fs.state.chunks.find(handle) as StoredChunk
  return ['chunks', numberKey(handle), encodeStored(StoredChunk, { ...was, ...changes })]
}

function orphan(handle: number, index: number): [TableName, Buffer, Buffer] {
  const usage = { allocatedBytes: 10, usageLeaseId: 1, usageSerial: 1, placed: [] }
  const record = { ino: 999, index, version: 2, settledVersion: 2, replicaCount: 3, goal: 3, ...usage }
  return ['chunks', numberKey(handle), encodeStored(StoredChunk, record)]
}

function meta({ fs }: Sound, changes: Partial<StoredMeta>): [TableName, Buffer, Buffer] {
  return ['meta', Buffer.from('meta'), encodeStored(StoredMeta, { ...fs.state.meta.current, ...changes })]
}

function trashKey(fs: Namespace, ino: number): Buffer {
  const place = fs.state.trash.page(undefined, 10).find(each => each.ino === ino)
  assert(place)
  return pairKey(place.deletedMs, ino)
}
