import t from 'tap'
import { SimulatedClock } from '../../../src/base/simulated-clock.js'
import type { Attributes, FileSystem, Ino, Name } from '../../../src/client/file-system.js'
import { rootIno, trashIno } from '../../../src/constants.js'
import { identity, MappedFileSystem } from '../../../src/fuse/views/mapped-file-system.js'
import { TrashView } from '../../../src/fuse/views/trash.js'
import { MemoryFileSystem } from '../harness/memory-file-system.js'

const root = rootIno as Ino
const inode = { mode: 0o755, uid: 1, gid: 2 }
const name = (text: string) => Buffer.from(text)

/** A directory of another file system plays the trash: it has the number, and no name here. */
async function open(): Promise<{ readonly inner: FileSystem; readonly view: FileSystem }> {
  const files = new MemoryFileSystem(new SimulatedClock())
  const trash = await files.makeDirectory(root, name('elsewhere'), inode)
  await files.makeDirectory(trash.ino, name('1000'), inode)
  const exchanged = (ino: Ino) => (ino === trash.ino ? (trashIno as Ino) : ino === trashIno ? trash.ino : ino)
  const inner = new MappedFileSystem(files, { ...identity, inward: exchanged, outward: exchanged })
  return { inner, view: new TrashView(inner) }
}

const inos = (steps: readonly Attributes[]) => steps.map(({ ino }) => ino)

t.test('the trash is there by name in the root, and in no listing', async t => {
  const { inner, view } = await open()
  for (const text of ['.trash', '.leasefs-trash']) t.equal((await view.lookup(root, name(text))).ino, trashIno)
  const path: Name[] = [name('.trash'), name('1000')]
  const below = await inner.lookup(trashIno as Ino, name('1000'))
  t.same(inos(await view.resolve(root, path)), [trashIno, below.ino])
  t.same(inos(await view.resolve(root, path.slice(0, 1))), [trashIno])
  t.same(
    (await view.readDirectory(root)).entries.map(entry => String(entry.name)),
    ['elsewhere'],
  )
  await t.rejects(view.lookup(root, name('trash')), { code: 'NOT_FOUND' })
  const directory = await view.makeDirectory(root, name('d'), inode)
  await t.rejects(view.lookup(directory.ino, name('.trash')), { code: 'NOT_FOUND' })
  await t.rejects(view.resolve(directory.ino, path), { code: 'NOT_FOUND' })
})

t.test('it can neither be removed, nor moved, nor replaced', async t => {
  const { view } = await open()
  await view.makeDirectory(root, name('d'), inode)
  const refused = [
    view.removeDirectory(root, name('.trash')),
    view.rename(root, name('.trash'), root, name('x')),
    view.rename(root, name('d'), root, name('.leasefs-trash')),
  ]
  for (const refusal of refused) await t.rejects(refusal, { code: 'NOT_PERMITTED' })
})

t.test("an entry of the cluster's own with that name is left alone", async t => {
  const { inner, view } = await open()
  const own = await inner.makeDirectory(root, name('.trash'), inode)
  t.equal((await view.lookup(root, name('.trash'))).ino, own.ino)
  t.same(inos(await view.resolve(root, [name('.trash')])), [own.ino])
  t.equal((await view.lookup(root, name('.leasefs-trash'))).ino, trashIno)
  await view.rename(root, name('.trash'), root, name('x'))
  t.equal((await view.lookup(root, name('.trash'))).ino, trashIno)
  await view.rename(root, name('x'), root, name('y'))
  await view.removeDirectory(root, name('y'))
})
