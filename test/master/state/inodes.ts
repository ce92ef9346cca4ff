import t from 'tap'
import { Inodes } from '../../../src/master/state/inodes.js'
import { numberKey } from '../../../src/master/state/keys.js'
import { MemoryStore } from '../../../src/master/state/memory-store.js'
import { FileType } from '../../../src/wire/gen/common.js'

const time = { seconds: -1, nanos: 5 }
const attributes = {
  ...{ ino: 7, type: FileType.REGULAR, mode: 0o644, uid: 1, gid: 2, nlink: 1, size: 2 ** 45 },
  ...{ atime: time, mtime: time, ctime: time, rdev: 0, goal: 3, allocatedBytes: 4096 },
}

t.test('an inode comes back as it was put', async t => {
  const store = new MemoryStore()
  const inodes = new Inodes(store)
  const inode = {
    attributes,
    parent: 0 as never,
    symlinkTarget: Buffer.from('t'),
    name: Buffer.from('n'),
    trash: undefined,
  }
  store.transaction(() => inodes.put(inode))
  t.same(inodes.find(7), inode)
  t.same(inodes.file(7), inode)
  t.throws(() => inodes.directory(7), { code: 'NOT_A_DIRECTORY' })
  store.transaction(() => inodes.change(7, { type: FileType.DIRECTORY, mode: 0o755 }))
  t.match(inodes.directory(7), {
    attributes: { ...attributes, type: FileType.DIRECTORY, mode: 0o755 },
    symlinkTarget: Buffer.from('t'),
  })
  t.throws(() => inodes.file(7), { code: 'IS_A_DIRECTORY' })
  store.transaction(() => inodes.change(7, { type: FileType.FIFO }))
  t.throws(() => inodes.file(7), { code: 'INVALID_ARGUMENT' })
  store.transaction(() => inodes.remove(7))
  t.equal(inodes.find(7), undefined)
  t.throws(() => inodes.get(7), { code: 'NOT_FOUND' })
  t.throws(() => store.transaction(() => inodes.change(7, {})), { code: 'ERR_ASSERTION' })
})

t.test('a value without attributes is damage', async t => {
  const store = new MemoryStore()
  store.transaction(() => store.table('inodes').put(numberKey(7), Buffer.alloc(0)))
  t.throws(() => new Inodes(store).find(7), { code: 'CORRUPT' })
})
