import t from 'tap'
import { SimulatedClock } from '../../../src/base/simulated-clock.js'
import type { FileSystem, Ino, Lock } from '../../../src/client/file-system.js'
import { rootIno } from '../../../src/constants.js'
import { identity, MappedFileSystem } from '../../../src/fuse/views/mapped-file-system.js'
import { MemoryFileSystem } from '../harness/memory-file-system.js'

const root = rootIno as Ino
const inode = { mode: 0o755, uid: 1, gid: 2 }
const open = { read: true, write: true, exclusive: true }
const name = (text: string) => Buffer.from(text)

/** A file system whose inodes are called by numbers higher by 1000, but for the root. */
function shifted(): { inner: FileSystem; view: FileSystem } {
  const inner = new MemoryFileSystem(new SimulatedClock())
  const by = (difference: number) => (ino: Ino) => (ino === root ? ino : ((ino + difference) as Ino))
  return { inner, view: new MappedFileSystem(inner, { ...identity, inward: by(-1000), outward: by(1000) }) }
}

t.test('every method knows an inode by the number the view has for it', async t => {
  const { inner, view } = shifted()
  const directory = await view.makeDirectory(root, name('d'), inode)
  t.equal(directory.ino, (await inner.lookup(root, name('d'))).ino + 1000)
  const d = directory.ino
  const { attributes, file } = await view.create(d, name('f'), inode, open)
  await file.write(0, name('text'))
  await file.close()
  const f = attributes.ino
  const symlink = await view.makeSymlink(d, name('l'), name('f'), inode)
  const fifo = await view.makeNode(d, name('p'), 'fifo', 0, inode)

  t.equal((await view.lookup(d, name('f'))).ino, f)
  t.same(
    (await view.resolve(root, [name('d'), name('f')])).map(step => step.ino),
    [d, f],
  )
  t.match(await view.getAttributes(f), { ino: f, size: 4 })
  t.match(await view.setAttributes(f, { mode: 0o600 }), { ino: f, mode: 0o600 })
  t.equal((await view.readSymlink(symlink.ino)).toString(), 'f')
  t.match(await view.link(f, d, name('g')), { ino: f, nlink: 2 })
  await view.rename(d, name('g'), root, name('h'))
  t.equal((await view.lookup(root, name('h'))).ino, f)
  await (await view.open(f, { read: true, write: false })).close()
  await view.syncInode(f)
  view.accessed(f)

  await view.setXattr(f, name('user.a'), name('1'))
  t.same(await view.listXattrs(f), [name('user.a')])
  t.same(await view.getXattr(f, name('user.a')), name('1'))
  await view.removeXattr(f, name('user.a'))

  const inos = [f, symlink.ino, fifo.ino]
  for (const list of [await view.readDirectory(d), await view.readDirectoryPage(d, name(''))]) {
    t.equal(list.parent, root)
    t.same(
      list.entries.map(entry => entry.attributes.ino),
      inos,
    )
  }
  await view.unlink(d, name('p'))
  await view.unlink(d, name('l'))
  await view.unlink(d, name('f'))
  await view.removeDirectory(root, name('d'))
  t.match(await view.statistics(), await inner.statistics())
  t.equal(view.cacheValidMs, inner.cacheValidMs)
  await view.close()
})

t.test('locks are those of the file', async t => {
  const { inner, view } = shifted()
  const { attributes } = await view.create(root, name('f'), inode, open)
  const lock: Lock = { kind: 'posix', type: 'exclusive', start: 0, end: 10, owner: 1n, pid: 1 }
  await view.setLock(attributes.ino, lock, { wait: false })
  t.ok(view.holdsLocks(attributes.ino, 'posix', 1n))
  const inside = (attributes.ino - 1000) as Ino
  t.match(await inner.findLock(inside, { ...lock, owner: 2n }), { start: 0, end: 10 })
  t.match(await view.findLock(attributes.ino, { ...lock, owner: 2n }), { start: 0, end: 10 })
  await view.unlock(attributes.ino, lock)
  t.notOk(inner.holdsLocks(inside, 'posix', 1n))
})
