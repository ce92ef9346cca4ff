import t from 'tap'
import { SimulatedClock } from '../../../src/base/simulated-clock.js'
import type { Ino } from '../../../src/client/file-system.js'
import { rootIno } from '../../../src/constants.js'
import { squash } from '../../../src/fuse/views/squash.js'
import { MemoryFileSystem } from '../harness/memory-file-system.js'

const root = rootIno as Ino
const inode = { mode: 0o644, uid: 1, gid: 2 }
const open = { read: true, write: true, exclusive: true }
const name = (text: string) => Buffer.from(text)

t.test('everything appears as owned by one user, and is made for that user', async t => {
  const inner = new MemoryFileSystem(new SimulatedClock())
  const view = squash(inner, { uid: 50, gid: 60 })
  const old = await inner.makeDirectory(root, name('old'), inode)
  t.match(await view.getAttributes(old.ino), { uid: 50, gid: 60 })
  t.match(await inner.getAttributes(old.ino), { uid: 1, gid: 2 }, 'what is stored stays')

  const { attributes } = await view.create(root, name('new'), inode, open)
  t.match(attributes, { uid: 50, gid: 60 })
  t.match(await inner.lookup(root, name('new')), { uid: 50, gid: 60 })
  await view.makeSymlink(root, name('symlink'), name('x'), inode)
  t.match(await inner.lookup(root, name('symlink')), { uid: 50, gid: 60 })
  for (const { attributes } of (await view.readDirectory(root)).entries) t.match(attributes, { uid: 50, gid: 60 })
})

t.test('to give a file to its user is quiet, to anyone else is refused', async t => {
  const inner = new MemoryFileSystem(new SimulatedClock())
  const view = squash(inner, { uid: 50, gid: 60 })
  const { ino } = await inner.makeDirectory(root, name('d'), inode)
  t.match(await view.setAttributes(ino, { uid: 50, gid: 60 }), { uid: 50 })
  t.match(await view.setAttributes(ino, { uid: 50, mode: 0o700 }), { uid: 50, mode: 0o700 })
  await t.rejects(view.setAttributes(ino, { uid: 0 }), { code: 'NOT_PERMITTED' })
  await t.rejects(view.setAttributes(ino, { uid: 50, gid: 2 }), { code: 'NOT_PERMITTED' })
  t.match(await inner.getAttributes(ino), { uid: 1, gid: 2, mode: 0o700 })
})

t.test('one of the two leaves the other alone', async t => {
  const inner = new MemoryFileSystem(new SimulatedClock())
  const view = squash(inner, { gid: 60 })
  const { ino } = await view.makeDirectory(root, name('d'), inode)
  t.match(await view.setAttributes(ino, { uid: 7, gid: 60 }), { uid: 7, gid: 60 })
  t.match(await inner.getAttributes(ino), { uid: 7, gid: 60 })
  t.equal(squash(inner, {}), inner, 'nothing to do')
})
